import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  NoopSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { eventOf, type JobStory, retell } from "../src/lifecycle/job-story.ts";
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
 * Makes the span of a job from its events, when the process that opened it is gone: same ids, same
 * times, same mapping, as it is the same tracer that is told the story. Marked with
 * `orchestra.job.reconstructed`. Stories without a `created` event, or whose span was not sampled, make
 * none.
 */
export function createSpanRebuilder(options: SpanRebuilderOptions): (story: JobStory) => void {
  const { resource, tracer } = options;
  const spanProcessors = [new Mark(), new HandOver(options.processor)];
  return (story) => {
    const created = eventOf(story, "orchestra.job.created");
    const own = created?.traceparent === undefined ? undefined : parseTraceparent(created.traceparent);
    if (created === undefined || own === undefined || own.traceFlags === 0) return;
    const instance =
      created.source && resourceFromAttributes({ [GENERAL.SERVICE_INSTANCE_ID]: created.source });
    const provider = new TracerProvider({
      resource: instance ? resource.merge(instance) : resource,
      idGenerator: { generateTraceId: () => own.traceId, generateSpanId: () => own.spanId },
      spanProcessors,
    });
    const jobTracer = createOtelJobTracer({
      ...tracer,
      tracer: provider.getTracer(SCOPE_NAME),
      startedSpans: false,
    });
    // Whatever span happens to be active now had no part in it.
    context.with(ROOT_CONTEXT, () => retell(story, jobTracer));
  };
}

class Mark extends NoopSpanProcessor {
  override onStart(span: Span): void {
    span.setAttribute(ORCHESTRA.JOB_RECONSTRUCTED, true);
  }
}

/** Of the processor itself only the end of spans: it lives longer than one story's provider. */
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
