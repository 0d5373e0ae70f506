import { context, ROOT_CONTEXT, TraceFlags } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  NoopSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { JobEvent } from "../src/event/event.ts";
import { factsOf } from "../src/lifecycle/job-facts.ts";
import type { SpanRebuilder } from "../src/lifecycle/job-story.ts";
import type { JobCreated } from "../src/lifecycle/job-tracer.ts";
import { GENERAL, ORCHESTRA, SCOPE_NAME } from "../src/semconv.ts";
import { parseTraceparent } from "./span-parent.ts";
import { createOtelJobTracer, type OtelJobTracerOptions } from "./traces.ts";

export interface SpanRebuilderOptions {
  /** Takes the rebuilt spans: the way out of all others. */
  processor: SpanProcessor;
  /** Of this service; a rebuilt span has the `service.instance.id` of the process that began it. */
  resource: Resource;
  /** As for the spans that were not lost. */
  tracer?: Omit<Partial<OtelJobTracerOptions>, "tracer" | "startedSpans" | "sessionContext"> | undefined;
}

/**
 * Makes the span of a job anew, when the process that opened it is gone: same ids, same times, same
 * mapping, as it is the same tracer that is told the job's events. Marked with
 * `orchestra.job.reconstructed`. A job whose `created` event is gone gets a span without what only that
 * event told: its task and its parent. A job without ids, or whose span was not sampled, gets none.
 */
export function createSpanRebuilder(options: SpanRebuilderOptions): SpanRebuilder {
  const { resource, tracer } = options;
  const spanProcessors = [new Mark(), new HandOver(options.processor)];
  return (first) => {
    const own = first.traceparent === undefined ? undefined : parseTraceparent(first.traceparent);
    if (own === undefined || (own.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    const instance = first.source && resourceFromAttributes({ [GENERAL.SERVICE_INSTANCE_ID]: first.source });
    const provider = new TracerProvider({
      resource: instance ? resource.merge(instance) : resource,
      // It was decided when the span was begun.
      sampler: new AlwaysOnSampler(),
      idGenerator: { generateTraceId: () => own.traceId, generateSpanId: () => own.spanId },
      spanProcessors,
    });
    const jobTracer = createOtelJobTracer({
      ...tracer,
      tracer: provider.getTracer(SCOPE_NAME),
      startedSpans: false,
    });
    const created = beginningOf(first);
    // Whatever span happens to be active now had no part in it.
    context.with(ROOT_CONTEXT, () => jobTracer.open(created, created.parentTraceparent));
    return jobTracer;
  };
}

/** Of a job whose `created` event is gone, what another event repeats of it: the task is not known. */
function beginningOf(first: JobEvent): JobCreated {
  if (first.type === "orchestra.job.created") return first.data;
  const { data } = first;
  const queuedAt = first.type === "orchestra.job.started" ? data.startedAt - first.data.queuedMs : undefined;
  const known: Omit<JobCreated, "message" | "messageLength"> = {
    ...factsOf(data),
    revision: data.revision,
    status: "running",
    queuedAt,
  };
  return known as JobCreated;
}

class Mark extends NoopSpanProcessor {
  override onStart(span: Span): void {
    span.setAttribute(ORCHESTRA.JOB_RECONSTRUCTED, true);
  }
}

/** Of the processor itself only the end of spans: it lives longer than one job's provider. */
class HandOver extends NoopSpanProcessor {
  readonly #processor: SpanProcessor;

  constructor(processor: SpanProcessor) {
    super();
    this.#processor = processor;
  }

  override onEnd(span: ReadableSpan): void {
    this.#processor.onEnd(span);
  }
}
