import {
  type Attributes,
  type Logger,
  ROOT_CONTEXT,
  SeverityNumber,
  type Span,
  trace,
} from "@opentelemetry/api";
import { INTERRUPTED, OTHER_ERROR_TYPE } from "../src/job/job-failure.ts";
import type { JobEnded } from "../src/lifecycle/job-tracer.ts";
import { GENERAL, SPAN_EVENT } from "../src/semconv.ts";
import { eventIdentity, hrTime } from "./span-attributes.ts";

/**
 * Where exceptions are recorded: as span events, as log records, or as both. The values `logs` and
 * `logs/dup` of `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` are `logs` and `both` here.
 * https://opentelemetry.io/docs/specs/semconv/exceptions/
 */
export type ExceptionSignal = "span" | "logs" | "both";

export type JobFailed = Extract<JobEnded, { status: "failed" }>;

/** Records why the job failed, once per signal. An interrupted job threw nothing that anybody saw. */
export function recordException(span: Span, end: JobFailed, signal: ExceptionSignal, logger: Logger): void {
  if (end.errorType === INTERRUPTED) return;
  const attributes: Attributes = {
    ...eventIdentity(end),
    // `_OTHER` says that there is no class to name.
    [GENERAL.EXCEPTION_TYPE]: end.errorType === OTHER_ERROR_TYPE ? undefined : end.errorType,
    [GENERAL.EXCEPTION_MESSAGE]: end.error,
  };
  const timestamp = hrTime(end.finishedAt);
  if (signal !== "logs") span.addEvent(SPAN_EVENT.EXCEPTION, attributes, timestamp);
  if (signal === "span") return;
  logger.emit({
    eventName: SPAN_EVENT.EXCEPTION,
    timestamp,
    severityNumber: SeverityNumber.ERROR,
    severityText: "ERROR",
    body: end.error,
    attributes,
    context: trace.setSpan(ROOT_CONTEXT, span),
  });
}
