import { canTransition, isTerminal, type JobStatus } from "../job/job.ts";
import type { JobEvent, JobEventType, OrchestratorEventDataMap } from "./event.ts";
import { fieldsOf } from "./job-fields.ts";

const UNKNOWN_WORKER = "worker:unknown";

type Data<T extends JobEventType> = OrchestratorEventDataMap[T];
type Facts = Omit<Data<"orchestra.job.created">, "status" | "message" | "messageLength">;

/** A job as its events tell it. Times are milliseconds since the epoch. */
export interface JobSnapshot extends Facts {
  status: JobStatus;
  /** The task, as a capped preview; unknown when the log no longer holds the job's `created`. */
  message?: string | undefined;
  messageLength?: number | undefined;
  updatedAt: number;
  progress?: Pick<
    Data<"orchestra.job.progress">,
    "message" | "percent" | "current" | "total" | "unit" | "stage" | "updatedAt"
  >;
  queuedMs?: number | undefined;
  finishedAt?: number | undefined;
  durationMs?: number | undefined;
  responsePreview?: string | undefined;
  responseLength?: number | undefined;
  error?: string | undefined;
  errorType?: string | undefined;
  reason?: string | undefined;
  report?: Data<"orchestra.job.completed">["report"];
  traceparent?: string | undefined;
}

/**
 * The job after `event`, given what it was before. Both stay untouched. Only fields that the event's type
 * has are taken, and only if they fit; long texts are cut, as the events hold them whole.
 */
export function applyJobEvent(before: JobSnapshot | undefined, event: JobEvent): JobSnapshot {
  const job = { ...(before ?? unknownJob(event)), ...signOfLife(event) };
  if (event.type !== "orchestra.job.progress") return { ...job, ...fieldsOf(event) };
  const { message = "", percent, current, total, unit, stage, updatedAt, ...facts } = fieldsOf(event);
  const progress = { message, percent, current, total, unit, stage, updatedAt: updatedAt ?? job.updatedAt };
  return { ...job, ...facts, progress };
}

/** What every job has, although no event may have said so. */
function unknownJob({ data, timestamp }: JobEvent): JobSnapshot {
  const startedAt = Number.isFinite(timestamp) ? timestamp : 0;
  const identity = { jobId: data.jobId, workerId: UNKNOWN_WORKER };
  return { ...identity, status: "running", revision: 0, startedAt, updatedAt: startedAt };
}

function signOfLife({ timestamp, traceparent }: JobEvent): Partial<JobSnapshot> {
  return {
    ...(Number.isFinite(timestamp) && { updatedAt: timestamp }),
    ...(typeof traceparent === "string" && { traceparent }),
  };
}

/**
 * Why `event` cannot follow when the job's last known status is `status` (undefined: not known, which
 * contradicts nothing, as the log may have let go of its beginning).
 */
export function contradiction(status: JobStatus | undefined, event: JobEvent): string | undefined {
  if (status === undefined) return undefined;
  const { type, data } = event;
  if (type === "orchestra.job.created") return `job ${data.jobId} was created before`;
  if (type === "orchestra.job.reported") {
    return status === data.status ? undefined : `job ${data.jobId} is ${status}, not ${data.status}`;
  }
  if (isTerminal(status)) return `job ${data.jobId} has ended (${status})`;
  const stays = type === "orchestra.job.progress" && status === data.status;
  return stays || canTransition(status, data.status)
    ? undefined
    : `job ${data.jobId} is ${status} and cannot become ${data.status}`;
}
