import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal } from "../../job/job.ts";
import { now } from "../page.ts";
import { duration, elapsed } from "../text/format.ts";

export interface ElapsedProps {
  job: JobSnapshot;
  /** For a job that has not ended: when it was last heard of, if nobody knows whether it goes on. */
  until?: number | undefined;
}

/** How long a job took, or has been going on or waiting; ticks while it has not ended. */
export function Elapsed({ job, until }: ElapsedProps) {
  const { status, durationMs, startedAt, queuedAt, finishedAt } = job;
  if (isTerminal(status)) {
    const ms = durationMs ?? (finishedAt === undefined ? undefined : finishedAt - startedAt);
    return <span class="number">{ms === undefined ? "—" : duration(ms)}</span>;
  }
  const since = status === "queued" ? (queuedAt ?? startedAt) : startedAt;
  if (until !== undefined) return <span class="number">{elapsed(until - since)}</span>;
  return <Since time={since} />;
}

/** How long ago something was; ticks. */
export function Since({ time }: { time: number }) {
  return <span class="number">{elapsed(now.value - time)}</span>;
}
