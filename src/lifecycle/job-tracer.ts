import type { OrchestratorEventDataMap } from "../event/event.ts";

export type JobCreated = OrchestratorEventDataMap["orchestra.job.created"];
export type JobStarted = OrchestratorEventDataMap["orchestra.job.started"];
export type JobProgressed = OrchestratorEventDataMap["orchestra.job.progress"];
export type JobEnded =
  | OrchestratorEventDataMap["orchestra.job.completed"]
  | OrchestratorEventDataMap["orchestra.job.failed"]
  | OrchestratorEventDataMap["orchestra.job.canceled"];

/** W3C trace contexts. */
export interface OpenedSpan {
  /**
   * Of the job's own span, for its events and for child processes. When no span is opened, as by the
   * no-op or past a limit, it is the one that was handed in, so that the caller's trace goes on without us.
   */
  traceparent: string | undefined;
  /** Of what the span is the child of, or linked to. */
  parent?: string | undefined;
}

/**
 * Projects a job's life onto spans. It is handed the same data that the job's events carry, in their
 * order, so a trace and the feed can never tell two stories.
 * Implementations pass `test/conformance/job-tracer.ts`.
 */
export interface JobTracer {
  /**
   * Opens the job's span.
   * @param parent W3C trace context handed in by the caller; it wins over the active context
   */
  open(job: JobCreated, parent?: string): OpenedSpan;
  /** A queued job was picked up. */
  start(job: JobStarted): void;
  annotate(progress: JobProgressed): void;
  /** Closes the span. Unknown and already closed jobs are ignored. */
  close(end: JobEnded): void;
  /** Runs `fn` with the job's span as the active one; as it is, when the job has none. */
  within<T>(jobId: string, fn: () => T): T;
}

/** Records nothing. */
export const noopJobTracer: JobTracer = {
  open: (_job, parent) => ({ traceparent: parent }),
  start: () => {},
  annotate: () => {},
  close: () => {},
  within: (_jobId, fn) => fn(),
};
