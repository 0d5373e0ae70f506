import type { OrchestratorEventDataMap } from "../event/event.ts";
import { traceparent as traceparentSchema } from "../event/event-fields.ts";
import { isTerminal, JOB_EVENT_STATUS, JOB_STATUSES, type JobEventKind } from "../job/job.ts";
import { capName } from "./content.ts";

/**
 * A job as any registry may hand it to its listeners: our own, or one that was there before us. Only
 * `id` must be there. What is missing is made up for; what has the wrong type is left out.
 */
export interface ObservedJob {
  readonly id: unknown;
  readonly workerId?: unknown;
  readonly sessionId?: unknown;
  readonly requestedBy?: unknown;
  readonly parentJobId?: unknown;
  readonly workflow?: unknown;
  readonly attempt?: unknown;
  readonly message?: unknown;
  readonly status?: unknown;
  readonly traceparent?: unknown;
  readonly queuedAt?: unknown;
  readonly startedAt?: unknown;
  readonly updatedAt?: unknown;
  readonly finishedAt?: unknown;
  readonly progress?: unknown;
  readonly responseText?: unknown;
  readonly error?: unknown;
  readonly errorType?: unknown;
  readonly reason?: unknown;
  readonly report?: unknown;
}

/** What all events of one job repeat, so that each can be read alone. */
export interface JobFacts {
  jobId: string;
  workerId: string;
  sessionId: string | undefined;
  requestedBy: string | undefined;
  parentJobId: string | undefined;
  workflow: { runId: string; stepId?: string | undefined } | undefined;
  attempt: number | undefined;
  startedAt: number;
}

const UNKNOWN_WORKER = "worker:unknown";

export function jobFacts(jobId: string, job: ObservedJob, now: number, idPrefix: string): JobFacts {
  return {
    jobId,
    workerId: nameOf(job.workerId) ?? UNKNOWN_WORKER,
    sessionId: nameOf(job.sessionId),
    requestedBy: nameOf(job.requestedBy),
    parentJobId: idOf(job.parentJobId, idPrefix),
    workflow: workflowOf(job.workflow),
    attempt: attemptOf(job.attempt),
    startedAt: timeOf(job.startedAt) ?? now,
  };
}

/** The same facts, from an event or snapshot that repeats them. */
export function factsOf(
  told: Pick<OrchestratorEventDataMap["orchestra.job.created"], keyof JobFacts>,
): JobFacts {
  const { jobId, workerId, sessionId, requestedBy, parentJobId, workflow, attempt, startedAt } = told;
  return { jobId, workerId, sessionId, requestedBy, parentJobId, workflow, attempt, startedAt };
}

export function eventKindOf(kind: unknown): JobEventKind | undefined {
  return typeof kind === "string" && Object.hasOwn(JOB_EVENT_STATUS, kind)
    ? (kind as JobEventKind)
    : undefined;
}

/** A name of at least one character; ids that are numbers count as names. */
export function nameOf(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return typeof value === "string" && value !== "" ? capName(value) : undefined;
}

/** A job's id as it is on the wire: its source's own, after the source's prefix. */
export function idOf(value: unknown, prefix: string): string | undefined {
  const id = nameOf(value);
  return id === undefined || prefix === "" ? id : capName(prefix + id);
}

/** Whether a job that says so of itself has not ended. */
export function isOpenStatus(status: unknown): boolean {
  return JOB_STATUSES.some((known) => known === status && !isTerminal(known));
}

/** Milliseconds since the epoch, from a number or a Date. */
export function timeOf(value: unknown): number | undefined {
  const time = value instanceof Date ? value.getTime() : value;
  return typeof time === "number" && time >= 0 && time <= 8.64e15 ? Math.trunc(time) : undefined;
}

/** A number from 0 to `max`. */
export function amountOf(value: unknown, max: number = Number.MAX_VALUE): number | undefined {
  return typeof value === "number" && value >= 0 && value <= max ? value : undefined;
}

export function traceparentOf(value: unknown): string | undefined {
  return value === undefined ? undefined : traceparentSchema.safeParse(value).data;
}

/** Free text, whatever it was handed as; never throws. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  try {
    return String(value);
  } catch {
    return "";
  }
}

function attemptOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 ? value : undefined;
}

function workflowOf(value: unknown): JobFacts["workflow"] {
  if (typeof value !== "object" || value === null) return undefined;
  const { runId, stepId } = value as { runId?: unknown; stepId?: unknown };
  const run = nameOf(runId);
  return run === undefined ? undefined : { runId: run, stepId: nameOf(stepId) };
}
