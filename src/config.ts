import * as z from "zod";
import { type BridgeConfig, bridgeConfig, type SettledBridgeConfig } from "./config-bridge.ts";
import {
  DATA_FILE_SETTINGS,
  DATA_FILE_VARIABLES,
  type DataFileSettings,
  dataFileConfig,
  OUTBOX_SETTINGS,
  OUTBOX_VARIABLES,
  type OutboxSettings,
  outboxConfig,
  wholeNumber,
} from "./config-storage.ts";
import { defined } from "./defined.ts";
import { OrchestraError } from "./errors.ts";
import { GENERAL } from "./semconv.ts";

export type { BridgeConfig } from "./config-bridge.ts";

/** Environment variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const text = z.string();
const flag = z.stringbool({
  truthy: ["true", "1", "on"],
  falsy: ["false", "0", "off"],
  error: "expected true, false, 1, 0, on or off",
});
const list = text.transform((value) =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);
const url = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" });
const TRACE_URL = "expected an http:// or https:// URL with {traceId} in it";
const traceUrl = z.url({ protocol: /^https?$/, error: TRACE_URL }).includes("{traceId}", TRACE_URL);
const protocol = z.enum(["http/json", "http/protobuf"], "expected http/json or http/protobuf");

const token = z
  .string()
  .regex(/^[\x21-\x7e]{16,}$/, "expected at least 16 visible ASCII characters, without spaces");

/** `key=value,key=value` with percent-encoded values, as the OTel specification has it. */
const pairs = text.transform((value, context) => {
  try {
    return Object.fromEntries(
      value
        .split(",")
        .filter((pair) => pair.trim() !== "")
        .map(pairOf),
    );
  } catch {
    context.addIssue({ code: "custom", message: "expected key=value pairs, comma-separated" });
    return z.NEVER;
  }
});

function pairOf(pair: string): [string, string] {
  const [key = "", ...value] = pair.split("=");
  if (key.trim() === "" || value.length === 0) throw new TypeError("no key or no value");
  return [key.trim(), decodeURIComponent(value.join("=").trim())];
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-field-names */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const areHeaders = (value: Record<string, string>) =>
  Object.keys(value).every((name) => HEADER_NAME.test(name));
const headerPairs = pairs.refine(areHeaders, "expected header names as keys");

/** The environment variables that are always read. Empty counts as unset, as the OTel specification has it. */
const VARIABLES = z.object({
  OTEL_SDK_DISABLED: flag.optional(),
  OTEL_SERVICE_NAME: text.optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
  OTEL_TRACES_EXPORTER: text.optional(),
  OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: text.optional(),
  ORCHESTRA_BRIDGE: flag.optional(),
  ORCHESTRA_BRIDGE_HOST: text.optional(),
  ORCHESTRA_BRIDGE_PORT: wholeNumber(0, 65_535).optional(),
  ORCHESTRA_TOKEN: token.optional(),
  ORCHESTRA_ALLOWED_HOSTS: list.optional(),
  ORCHESTRA_ALLOWED_ORIGINS: list.optional(),
  ORCHESTRA_MAX_CLIENTS: wholeNumber(1, 1_000_000).optional(),
  ORCHESTRA_WRITES_PER_SECOND: wholeNumber(1, 1_000_000).optional(),
  ORCHESTRA_BRIDGE_TLS_CERT: text.optional(),
  ORCHESTRA_BRIDGE_TLS_KEY: text.optional(),
  ORCHESTRA_BRIDGE_HTTP2: flag.optional(),
  ORCHESTRA_TRACE_URL: traceUrl.optional(),
  ...DATA_FILE_VARIABLES,
  ORCHESTRA_LOG_FILE: text.optional(),
  ORCHESTRA_LOG_CAPACITY: wholeNumber(1, 10_000_000).optional(),
  ORCHESTRA_CAPTURE_CONTENT: flag.optional(),
  ORCHESTRA_PREVIEW_LENGTH: wholeNumber(0, 65_536).optional(),
});

/**
 * Those of the OTLP exporter and its outbox, read only where one of ours is made: a host that exports by itself may
 * well have set them to what only its own exporter can do.
 */
const EXPORTER_VARIABLES = z.object({
  OTEL_TRACES_EXPORTER: z.enum(["otlp", "none"], "expected otlp or none").optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headerPairs.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: headerPairs.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: wholeNumber(1, 600_000).optional(),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: wholeNumber(1, 600_000).optional(),
  ...OUTBOX_VARIABLES,
});

/** The variables that are read, for docs and help texts. */
export const CONFIG_VARIABLES: readonly string[] = [
  ...new Set([...Object.keys(VARIABLES.shape), ...Object.keys(EXPORTER_VARIABLES.shape)]),
];

const names = z.array(text);

/** `false` switches a part off. Not a union, as its errors would not name the field inside. */
const orFalse = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === false ? undefined : value), schema.optional());

/** `Settings`, for callers that no compiler checked. */
const SETTINGS = z.strictObject({
  serviceName: text.min(1).optional(),
  resourceAttributes: z.record(text, text).optional(),
  traces: orFalse(
    z.strictObject({
      url: url.optional(),
      headers: z.record(text, text).refine(areHeaders, "expected header names as keys").optional(),
      protocol: protocol.optional(),
      timeoutMs: z.int().min(1).optional(),
      outbox: OUTBOX_SETTINGS.optional(),
      exceptionSignal: z.enum(["span", "logs", "both"]).optional(),
    }),
  ),
  bridge: orFalse(
    z.strictObject({
      host: text.min(1).optional(),
      port: z.int().min(0).max(65_535).optional(),
      token: token.optional(),
      allowedHosts: names.optional(),
      allowedOrigins: names.optional(),
      maxClients: z.int().min(1).max(1_000_000).optional(),
      writesPerSecond: z.number().positive().optional(),
      join: z.boolean().optional(),
      tls: z.strictObject({ cert: text.min(1), key: text.min(1) }).optional(),
      http2: z.boolean().optional(),
      traceUrl: traceUrl.optional(),
    }),
  ),
  dataFile: DATA_FILE_SETTINGS,
  logFile: text.min(1).optional(),
  logCapacity: z.int().min(1).optional(),
  captureContent: z.boolean().optional(),
  previewLength: z.int().min(0).max(65_536).optional(),
}) satisfies z.ZodType<Settings>;

export type OtlpProtocol = z.infer<typeof protocol>;
export type ExceptionSignal = "span" | "logs" | "both";

/** What can be set in code; what is set here wins over the environment. */
export interface Settings {
  /**
   * Default: `OTEL_SERVICE_NAME`, else `service.name` of the resource attributes, else
   * `unknown_service:node`, as the OTel specification has it.
   */
  serviceName?: string | undefined;
  /** Added to those of `OTEL_RESOURCE_ATTRIBUTES`. */
  resourceAttributes?: Readonly<Record<string, string>> | undefined;
  traces?: false | (Partial<ExporterConfig> & { exceptionSignal?: ExceptionSignal | undefined }) | undefined;
  bridge?: false | Partial<BridgeConfig> | undefined;
  /**
   * Database file that keeps events and unsent spans beyond this process, by its name alone or with its
   * limits. Several processes may share it, and then have one feed. Default: they are kept in memory.
   */
  dataFile?: string | DataFileSettings | undefined;
  /** File that log lines are appended to. Default: none is written. */
  logFile?: string | undefined;
  /** Events that the memory log keeps. Default: 10,000. */
  logCapacity?: number | undefined;
  /** Let tasks and responses leave in full. Default: false. */
  captureContent?: boolean | undefined;
  /** Characters of a task or response that leave as a preview. Default: 200. */
  previewLength?: number | undefined;
}

/** Where and how spans are sent. */
export interface ExporterConfig {
  /** Full URL that spans are posted to. Default: `http://localhost:4318/v1/traces`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Default: `http/json`. */
  protocol: OtlpProtocol;
  /** Time for one request, in milliseconds. Default: 10,000. */
  timeoutMs: number;
  /** What is kept until it is delivered. */
  outbox?: OutboxSettings | undefined;
}

/** The settled configuration: nothing is left to default but limits, which the parts that keep to them know. */
export interface Config {
  serviceName: string;
  resourceAttributes: Readonly<Record<string, string>>;
  /** The operator switched all OpenTelemetry off. */
  sdkDisabled: boolean;
  /** Whether spans are made. */
  traces: boolean;
  /** Where exceptions are recorded. */
  exceptionSignal: ExceptionSignal;
  bridge: SettledBridgeConfig | undefined;
  dataFile: DataFileSettings;
  logFile: string | undefined;
  logCapacity: number;
  captureContent: boolean;
  previewLength: number;
}

const DEFAULT_OTLP_ENDPOINT = "http://localhost:4318";

/** @throws INVALID_CONFIG naming the first variable or option that cannot be used, and what was expected */
export function readConfig(env: Environment, settings: Settings = {}): Readonly<Config> {
  const { traces } = checkedSettings(settings);
  const variables = readVariables(VARIABLES, env);
  const resourceAttributes = { ...variables.OTEL_RESOURCE_ATTRIBUTES, ...settings.resourceAttributes };
  const sdkDisabled = variables.OTEL_SDK_DISABLED ?? false;
  return Object.freeze({
    serviceName:
      settings.serviceName ??
      variables.OTEL_SERVICE_NAME ??
      resourceAttributes[GENERAL.SERVICE_NAME] ??
      "unknown_service:node",
    resourceAttributes,
    sdkDisabled,
    // Switching off is the operator's last word, whatever the code asks for.
    traces: traces !== false && !sdkDisabled && variables.OTEL_TRACES_EXPORTER !== "none",
    exceptionSignal:
      (traces || undefined)?.exceptionSignal ??
      exceptionSignal(variables.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN),
    bridge: bridgeConfig(variables, settings.bridge),
    dataFile: dataFileConfig(variables, settings.dataFile),
    logFile: settings.logFile ?? variables.ORCHESTRA_LOG_FILE,
    logCapacity: settings.logCapacity ?? variables.ORCHESTRA_LOG_CAPACITY ?? 10_000,
    captureContent: settings.captureContent ?? variables.ORCHESTRA_CAPTURE_CONTENT ?? false,
    previewLength: settings.previewLength ?? variables.ORCHESTRA_PREVIEW_LENGTH ?? 200,
  });
}

function readVariables<T>(schema: z.ZodObject & z.ZodType<T>, env: Environment): T {
  const given = Object.keys(schema.shape).map((name) => [name, env[name]]);
  return checked(
    schema,
    Object.fromEntries(given.filter(([, value]) => value !== "")),
    "Environment variable",
  );
}

function checkedSettings(settings: Settings): Settings {
  checked(SETTINGS, settings, "Option");
  return settings;
}

function checked<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues as [z.core.$ZodIssue];
  const keys = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...keys].join(".") || "options";
  // The value itself may be a secret, so it is not repeated.
  throw new OrchestraError("INVALID_CONFIG", `${what} \`${path}\`: ${issue.message}`, { path });
}

/**
 * The configuration of an exporter of our own.
 * @throws INVALID_CONFIG naming the first variable or option that cannot be used, and what was expected
 */
export function readExporterConfig(env: Environment, settings: Settings = {}): Readonly<ExporterConfig> {
  const { traces } = checkedSettings(settings);
  const variables = readVariables(EXPORTER_VARIABLES, env);
  const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_OTLP_ENDPOINT;
  const { exceptionSignal: _, outbox, ...given } = defined(traces || undefined);
  return Object.freeze({
    url: variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? `${base.replace(/\/+$/, "")}/v1/traces`,
    headers: variables.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? variables.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    protocol:
      variables.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? variables.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/json",
    timeoutMs: variables.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? variables.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000,
    ...given,
    outbox: outboxConfig(variables, outbox),
  });
}

/** https://opentelemetry.io/docs/specs/semconv/exceptions/: any other value keeps the default. */
function exceptionSignal(optIn: string | undefined): ExceptionSignal {
  if (optIn === "logs") return "logs";
  return optIn === "logs/dup" ? "both" : "span";
}
