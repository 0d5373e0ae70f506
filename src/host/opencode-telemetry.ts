import type { Tracer } from "@opentelemetry/api";
import { type Environment, readConfig } from "../config.ts";
import { createOrchestratorEvent } from "../event/event.ts";
import type { WorkerJobRegistry } from "../job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../telemetry.ts";
import { EventClock } from "./opencode-clock.ts";
import { type Given, withUsable } from "./opencode-fallback.ts";
import type { PluginOptions } from "./opencode-options.ts";
import { OpenCodeRegistry } from "./opencode-registry.ts";

/** The telemetry of one OpenCode process. */
export interface HostTelemetry {
  readonly registry: WorkerJobRegistry;
  readonly clock: EventClock;
  readonly tracer: Tracer;
  /** Characters of prompts and answers that leave; all of them: infinite. */
  readonly shownLength: number;
  /** What could not be used of its options and variables, in words; told of already. */
  readonly problems: readonly string[];
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

const SOURCE = "opencode";

/**
 * Starts the telemetry with what can be used of its options and variables; each of the others is told of, and
 * closes what it protects or is left out.
 * @throws what `startTelemetry` throws for anything else
 */
export async function startHostTelemetry(options: HostTelemetryOptions): Promise<HostTelemetry> {
  const { lateBridge, onWarning } = options;
  const clock = new EventClock();
  const registry = new OpenCodeRegistry({ now: clock.now });
  const problems: string[] = [];
  const start = async (usable: Given): Promise<HostTelemetry> => {
    const { env, settings } = usable;
    const redact = redactor(options.redact);
    const telemetry = await startTelemetry({ ...settings, env, registry, redact, lateBridge, onWarning });
    const shown = { shownLength: shownLength(usable), problems };
    return hostTelemetry(telemetry, { registry, clock, ...shown });
  };
  const running = await withUsable(options, start, (problem) => {
    problems.push(problem);
    onWarning(problem);
  });
  for (const problem of problems) running.tell(problem);
  return running;
}

function hostTelemetry(
  telemetry: Telemetry,
  parts: Pick<HostTelemetry, "registry" | "clock" | "shownLength" | "problems">,
): HostTelemetry {
  const observer = telemetry.observe(parts.registry);
  return {
    ...parts,
    tracer: telemetry.tracer,
    traceparentOf: (jobId) => observer.traceparent(jobId),
    tell: (message) =>
      telemetry.publish(createOrchestratorEvent("orchestra.error", { message, source: SOURCE })),
    flush: () => telemetry.flush(),
    shutdown: () => telemetry.shutdown(),
  };
}

/** By default not even a preview of prompts and answers leaves. */
export function shownLength({ env, settings }: Given): number {
  const { captureContent, previewLength } = readConfig(env, settings);
  if (captureContent) return Number.POSITIVE_INFINITY;
  const isAskedFor = settings.previewLength !== undefined || Boolean(env.ORCHESTRA_PREVIEW_LENGTH);
  return isAskedFor ? previewLength : 0;
}

/** Undefined when there is nothing to take out. */
export function redactor(patterns: readonly RegExp[]): ((text: string) => string) | undefined {
  if (patterns.length === 0) return undefined;
  return (text) => patterns.reduce((left, pattern) => left.replace(pattern, "[redacted]"), text);
}
