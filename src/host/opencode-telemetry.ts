import { join } from "node:path";
import type { Tracer } from "@opentelemetry/api";
import { type Environment, readConfig, type Settings } from "../config.ts";
import { OrchestraError } from "../errors.ts";
import { createOrchestratorEvent } from "../event/event.ts";
import { WorkerJobRegistry } from "../job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../telemetry.ts";
import { EventClock } from "./opencode-clock.ts";
import { type Fields, fields } from "./opencode-fields.ts";
import type { PluginOptions } from "./opencode-options.ts";

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
/** As many options and variables may be left out as unusable. */
const MAX_ATTEMPTS = 20;

/**
 * Starts the telemetry with what can be used of its options and variables; each of the others is told of and
 * left out.
 * @throws what `startTelemetry` throws for anything else
 */
export async function startHostTelemetry(options: HostTelemetryOptions): Promise<HostTelemetry> {
  const clock = new EventClock();
  const registry = new WorkerJobRegistry({ now: clock.now });
  const problems: string[] = [];
  const note = (message: string) => {
    problems.push(message);
    options.onWarning(message);
  };
  let attempt = withDefaults(options);
  for (let count = 1; ; count++) {
    try {
      const { env, settings } = attempt;
      const redact = redactor(options.redact);
      const telemetry = await startTelemetry({
        ...settings,
        env,
        registry,
        redact,
        lateBridge: options.lateBridge,
        onWarning: options.onWarning,
      });
      const running = hostTelemetry(telemetry, registry, clock, showsContent(attempt));
      for (const problem of problems) running.tell(problem);
      return running;
    } catch (error) {
      const next = count < MAX_ATTEMPTS ? without(error, attempt) : undefined;
      if (next === undefined) throw error;
      note(`${(error as Error).message}; it is left out`);
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

function withDefaults({ env, settings }: HostTelemetryOptions): Attempt {
  const isNamed = env.OTEL_SERVICE_NAME || /(^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? "");
  const { bridge, dataFile = env.ORCHESTRA_DATA_FILE || defaultFile(env) } = settings;
  const isInMemory = dataFile === "memory";
  return {
    env: isInMemory ? { ...env, ORCHESTRA_DATA_FILE: undefined } : env,
    settings: {
      ...(!isNamed && { serviceName: SERVICE_NAME }),
      ...settings,
      // A second OpenCode on the machine has its jobs in the feed of the first.
      bridge: bridge === false ? false : { join: true, ...bridge },
      dataFile: isInMemory ? undefined : dataFile,
    },
  };
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
  if (env[path] !== undefined) return { env: { ...env, [path]: undefined }, settings };
  if (path === "file")
    return {
      env: { ...env, ORCHESTRA_DATA_FILE: undefined },
      settings: { ...settings, dataFile: undefined },
    };
  const left = dropped(fields(settings), path.split("."));
  return left && { env, settings: left as Settings };
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
