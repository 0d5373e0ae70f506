import type { OrchestratorEvent } from "../src/event/event.ts";
import { subjectOf } from "../src/event/event-filter.ts";
import type { EventRecord } from "../src/event/event-log.ts";

interface EventDetails {
  status?: string;
  durationMs?: number;
  errorType?: string;
}

interface TraceFields {
  trace_id?: string | undefined;
  span_id?: string | undefined;
  trace_flags?: string | undefined;
}

/** The fields of docs/logs.md; pino leaves out what is undefined. */
export function logFields({ event, cursor }: EventRecord): object {
  const { jobId, workerId, sessionId } = subjectOf(event);
  const { status, durationMs, errorType } = detailsOf(event);
  return {
    event: event.type,
    event_id: event.id,
    cursor,
    job_id: jobId,
    worker_id: workerId,
    session_id: sessionId,
    status,
    duration_ms: durationMs,
    error_type: errorType,
    ...traceFields(event),
  };
}

export function detailsOf(event: OrchestratorEvent): EventDetails {
  return (event.data ?? {}) as EventDetails;
}

/** `00-<trace id>-<span id>-<flags>`: https://www.w3.org/TR/trace-context/#traceparent-header */
export function traceFields({ traceparent }: OrchestratorEvent): TraceFields {
  if (traceparent === undefined) return {};
  const [, trace_id, span_id, trace_flags] = traceparent.split("-");
  return { trace_id, span_id, trace_flags };
}
