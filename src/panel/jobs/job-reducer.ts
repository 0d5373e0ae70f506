import type { FeedEvent } from "../../client/index.ts";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { JOB_EVENT_FIELDS, pick } from "./job-fields.ts";

const UNKNOWN_WORKER = "worker:unknown";

/** Whether the event tells of a job that can be named. */
export function isJobEvent(event: FeedEvent): event is JobEvent {
  return Object.hasOwn(JOB_EVENT_FIELDS, event.type) && typeof (event as JobEvent).data.jobId === "string";
}

/**
 * The job after `event`, as the bridge tells it: a page that has seen all events and one that has read the
 * list show the same. Both arguments stay untouched.
 */
export function applyJobEvent(before: JobSnapshot | undefined, event: JobEvent): JobSnapshot {
  const { type, timestamp, traceparent, data } = event;
  const isTimed = Number.isFinite(timestamp);
  const job: JobSnapshot = { ...(before ?? unknownJob(data.jobId, isTimed ? timestamp : 0)) };
  if (isTimed) job.updatedAt = timestamp;
  if (typeof traceparent === "string") job.traceparent = traceparent;
  const fields = pick(JOB_EVENT_FIELDS[type], data);
  if (type !== "orchestra.job.progress") return Object.assign(job, fields);
  const { message = "", percent, current, total, unit, stage, updatedAt, ...facts } = fields;
  const progress = { message, percent, current, total, unit, stage, updatedAt: updatedAt ?? job.updatedAt };
  return Object.assign(job, facts, { progress });
}

/** What every job has, although no event may have said so. */
function unknownJob(jobId: string, startedAt: number): JobSnapshot {
  return {
    jobId,
    workerId: UNKNOWN_WORKER,
    status: "running",
    revision: 0,
    startedAt,
    updatedAt: startedAt,
  };
}
