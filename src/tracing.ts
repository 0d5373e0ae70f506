import { diag, isSpanContextValid, type Tracer, trace } from "@opentelemetry/api";
import type { SpanExportStats } from "../exporters/span-pipeline.ts";
import type { OtelJobTracer, OtelJobTracerOptions, OtelJobTracerStats } from "../exporters/traces.ts";
import type { Config } from "./config.ts";
import { type JobTracer, noopJobTracer } from "./lifecycle/job-tracer.ts";
import { runningNodeSdk } from "./node-sdk.ts";
import { SCOPE_NAME } from "./semconv.ts";

export interface TracingOptions
  extends Omit<Partial<OtelJobTracerOptions>, "exceptionSignal" | "maxOpen" | "maxEnded"> {
  /** `service.instance.id` of a private provider. */
  instanceId: string;
  onWarning: (message: string) => void;
}

/** Where spans come from and what became of them. */
export interface Tracing {
  readonly tracer: JobTracer;
  /** Undefined when spans are switched off. */
  jobSpans(): OtelJobTracerStats | undefined;
  /** Undefined when spans are off, or when a host's provider exports them out of our sight. */
  exported(): SpanExportStats | undefined;
  forceFlush(): Promise<void>;
  /** Closes what this opened: a private provider, never a host's. */
  shutdown(deadlineMs: number): Promise<void>;
}

const NOTHING_TO_CLOSE = { forceFlush: async () => {}, shutdown: async () => {} };

/**
 * Spans by the tracer given, else by the host's provider when it has one that works, else by a private
 * one. No global is ever set.
 */
export async function startTracing(config: Config, options: TracingOptions): Promise<Tracing> {
  const { traces } = config;
  if (traces === undefined) {
    return {
      tracer: noopJobTracer,
      jobSpans: () => undefined,
      exported: () => undefined,
      ...NOTHING_TO_CLOSE,
    };
  }
  const { createOtelJobTracer } = await import("../exporters/traces.ts");
  const jobTracer = (tracer: Tracer): OtelJobTracer =>
    createOtelJobTracer({ ...options, tracer, exceptionSignal: traces.exceptionSignal });

  const hostTracer = options.tracer ?? workingHostTracer();
  if (hostTracer !== undefined) {
    const tracer = jobTracer(hostTracer);
    const sdk = options.tracer === undefined ? runningNodeSdk() : undefined;
    return {
      tracer,
      jobSpans: () => tracer.stats(),
      exported: () => sdk?.stats(),
      forceFlush: async () => sdk?.forceFlush(),
      shutdown: async () => {},
    };
  }
  const { createSpanExport } = await import("../exporters/span-export.ts");
  const { url, headers, protocol } = traces;
  const { serviceName, resourceAttributes } = config;
  const { instanceId, onWarning } = options;
  const spans = await createSpanExport({
    serviceName,
    resourceAttributes,
    instanceId,
    url,
    headers,
    protocol,
    onWarning,
  });
  const tracer = jobTracer(spans.tracer);
  return {
    tracer,
    jobSpans: () => tracer.stats(),
    exported: () => spans.stats(),
    forceFlush: () => spans.forceFlush(),
    shutdown: (deadlineMs) => spans.shutdown({ deadlineMs }),
  };
}

/** The API's own no-op tracer yields spans without an id; whatever else there is, works. */
function workingHostTracer(): Tracer | undefined {
  try {
    const tracer = trace.getTracer(SCOPE_NAME);
    // Never ended, so it is never exported.
    return isSpanContextValid(tracer.startSpan("probe", { root: true }).spanContext()) ? tracer : undefined;
  } catch (error) {
    diag.debug("The host's tracer provider throws; using a private one", error);
    return undefined;
  }
}
