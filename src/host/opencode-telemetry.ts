import { join } from "node:path";
import type { Tracer } from "@opentelemetry/api";
import { type Environment, readConfig, type Settings } from "../config.ts";
import { OrchestraError, reasonOf } from "../errors.ts";
import { createOrchestratorEvent } from "../event/event.ts";
import type { WorkerJobRegistry } from "../job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../telemetry.ts";
import { EventClock } from "./opencode-clock.ts";
import { type Fields, fields } from "./opencode-fields.ts";
import type { PluginOptions } from "./opencode-options.ts";
import { OpenCodeRegistry } from "./opencode-registry.ts";

/** The telemetry of one OpenCode process. */
export interface HostTelemetry {
  readonly registry: WorkerJobRegistry;
  readonly clock: EventClock;
  readonly tracer: Tracer;
  /** Let prompts and answers into the jobs. */
  readonly captureContent: boolean;
  /** W3C trace context of an open job's span. */
  traceparentOf(jobId: string): string | undefined;
  /** Tells of trouble in the feed. */
  tell(message: string): void;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface HostTelemetryOptions extends Pick<PluginOptions, "settings" | "redact"> {
  env: Environment;
  /** When the feed may be served; nobody waits for it. */
  lateBridge: TelemetryOptions["lateBridge"];
  onWarning: (message: string) => void;
}

const SERVICE_NAME = "opencode";
/** Stands for no data file. */
const IN_MEMORY = "memory";

/**
 * Starts the telemetry with what can be used of its options and variables; each of the others is told of and
 * left out.
 * @throws what `startTelemetry` throws for anything else
 */
export async function startHostTelemetry(options: HostTelemetryOptions): Promise<HostTelemetry> {
  const clock = new EventClock();
  const registry = new OpenCodeRegistry({ now: clock.now });
  const problems: string[] = [];
  const note = (message: string) => {
    problems.push(message);
    options.onWarning(message);
  };
  let attempt: Attempt = options;
  // Each turn takes one thing out of what was given, so there is a last one.
  for (;;) {
    try {
      const { env, settings } = withDefaults(attempt);
      const redact = redactor(options.redact);
      const telemetry = await startTelemetry({
        ...settings,
        env,
        registry,
        redact,
        lateBridge: options.lateBridge,
        onWarning: options.onWarning,
      });
      const running = hostTelemetry(telemetry, registry, clock, showsContent({ env, settings }));
      for (const problem of problems) running.tell(problem);
      return running;
    } catch (error) {
      const next = without(error, attempt);
      if (next === undefined) throw error;
      note(`${reasonOf(error)}; it is left out`);
      attempt = next;
    }
  }
}

function hostTelemetry(
  telemetry: Telemetry,
  registry: WorkerJobRegistry,
  clock: EventClock,
  captureContent: boolean,
): HostTelemetry {
  const observer = telemetry.observe(registry);
  return {
    registry,
    clock,
    tracer: telemetry.tracer,
    captureContent,
    traceparentOf: (jobId) => observer.traceparent(jobId),
    tell: (message) =>
      telemetry.publish(createOrchestratorEvent("orchestra.error", { message, source: SERVICE_NAME })),
    flush: () => telemetry.flush(),
    shutdown: () => telemetry.shutdown(),
  };
}

interface Attempt {
  env: Environment;
  settings: Settings;
}

function withDefaults({ env, settings }: Attempt): Attempt {
  const isNamed = env.OTEL_SERVICE_NAME || /(^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? "");
  const { bridge, dataFile } = settings;
  const file = givenFile(settings) ?? (env.ORCHESTRA_DATA_FILE || defaultFile(env));
  const isInMemory = file === IN_MEMORY;
  const limits = typeof dataFile === "string" ? {} : dataFile;
  return {
    env: isInMemory ? { ...env, ORCHESTRA_DATA_FILE: undefined } : env,
    settings: {
      ...(!isNamed && { serviceName: SERVICE_NAME }),
      ...settings,
      // A second OpenCode on the machine has its jobs in the feed of the first.
      bridge: isGroup(bridge) ? { join: true, ...bridge } : bridge,
      dataFile: isGroup(limits) ? { ...limits, file: isInMemory ? undefined : file } : limits,
    },
  };
}

/** Whether it may hold options; what may not is left as it is, for whoever checks them. */
function isGroup(given: unknown): given is object | undefined {
  return given === undefined || (typeof given === "object" && !Array.isArray(given));
}

function givenFile({ dataFile }: Settings): string | undefined {
  return typeof dataFile === "string" ? dataFile : dataFile?.file;
}

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
function defaultFile(env: Environment): string | undefined {
  const state = env.XDG_STATE_HOME || (env.HOME && join(env.HOME, ".local", "state"));
  if (!state) return undefined;
  return join(state, "orchestra-otel", "opencode.db");
}

/** Without what could not be used; undefined when the fault is none of the options. */
function without(error: unknown, { env, settings }: Attempt): Attempt | undefined {
  if (!(error instanceof OrchestraError) || error.path === undefined) return undefined;
  const { path } = error;
  if (path === "file") return withoutFile({ env, settings });
  if (env[path] !== undefined) return { env: { ...env, [path]: undefined }, settings };
  const left = dropped(fields(settings), path.split("."));
  return left && { env, settings: left as Settings };
}

/** The option gives way to the variable, that to the default, and that to memory. */
function withoutFile({ env, settings }: Attempt): Attempt | undefined {
  const file = givenFile(settings);
  if (file === IN_MEMORY) return undefined;
  if (file !== undefined)
    return { env, settings: dropped(fields(settings), ["dataFile", "file"]) as Settings };
  if (env.ORCHESTRA_DATA_FILE) return { env: { ...env, ORCHESTRA_DATA_FILE: undefined }, settings };
  const dataFile = { ...fields(settings.dataFile), file: IN_MEMORY };
  return { env, settings: { ...settings, dataFile } };
}

/** A copy without the value at `path`, or without what it is part of; undefined when there is neither. */
function dropped(values: Fields, [key = "", ...rest]: readonly string[]): Fields | undefined {
  if (!Object.hasOwn(values, key)) return undefined;
  const inner = rest.length > 0 ? dropped(fields(values[key]), rest) : undefined;
  const { [key]: _, ...others } = values;
  return inner === undefined ? others : { ...others, [key]: inner };
}

/** By default not even a preview of prompts and answers leaves. */
function showsContent({ env, settings }: Attempt): boolean {
  const { captureContent, previewLength } = readConfig(env, settings);
  const isAskedFor = settings.previewLength !== undefined || Boolean(env.ORCHESTRA_PREVIEW_LENGTH);
  return captureContent || (isAskedFor && previewLength > 0);
}

function redactor(patterns: readonly RegExp[]): ((text: string) => string) | undefined {
  if (patterns.length === 0) return undefined;
  return (text) => patterns.reduce((left, pattern) => left.replace(pattern, "[redacted]"), text);
}
