import { isSpanContextValid, type SpanContext } from "@opentelemetry/api";
import { FifoMap } from "../src/fifo-map.ts";

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Reads W3C trace context, version 00; undefined for anything else. */
export function parseTraceparent(traceparent: string): SpanContext | undefined {
  if (!TRACEPARENT.test(traceparent)) return undefined;
  return validSpanContext({
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
    isRemote: true,
  });
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; undefined when there is nothing to refer to. */
export function formatTraceparent(spanContext: SpanContext): string | undefined {
  if (!isSpanContextValid(spanContext)) return undefined;
  const flags = spanContext.traceFlags.toString(16).padStart(2, "0");
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}

export function validSpanContext(spanContext: SpanContext | undefined): SpanContext | undefined {
  return spanContext !== undefined && isSpanContextValid(spanContext) ? spanContext : undefined;
}

/** The span contexts of jobs that have ended, so that late children find their parent; oldest out first. */
export class EndedSpans {
  readonly #contexts = new FifoMap<string, SpanContext>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(jobId: string, spanContext: SpanContext): void {
    this.#contexts.renew(jobId, spanContext);
    if (this.#contexts.size > this.#limit) this.#contexts.deleteOldest();
  }

  get(jobId: string): SpanContext | undefined {
    return this.#contexts.get(jobId);
  }
}
