import type { JobSnapshot } from "../../event/job-snapshot.ts";

/** A stretch of time, in milliseconds since the epoch. */
export interface TimeWindow {
  from: number;
  to: number;
}

export interface TimelineRow {
  job: JobSnapshot;
  /** 0 for a job whose parent is not shown. */
  depth: number;
}

/** When the job came to be; its queue included. */
export function beginOf({ queuedAt, startedAt }: JobSnapshot): number {
  return Math.min(queuedAt ?? startedAt, startedAt);
}

/** When the job ended; `now` while it has not. */
export function endOf({ finishedAt, startedAt }: JobSnapshot, now: number): number {
  return Math.max(finishedAt ?? now, startedAt);
}

/**
 * The jobs of which anything lies in `window`: the newest first, and under each its children in the order in
 * which they began.
 */
export function timelineRows(jobs: readonly JobSnapshot[], window: TimeWindow, now: number): TimelineRow[] {
  const shown = jobs
    .filter((job) => beginOf(job) <= window.to && endOf(job, now) >= window.from)
    .sort(byBegin);
  return nested(shown);
}

/** The jobs of a session and everything that came of them: a subagent's own may have a session of their own. */
export function ofSession(jobs: readonly JobSnapshot[], sessionId: string): JobSnapshot[] {
  const own = jobs.filter((job) => job.sessionId === sessionId);
  return walk(own, childrenOf(jobs), new Set()).map(({ job }) => job);
}

/** The job and everything that came of it. */
export function descendantRows(jobs: readonly JobSnapshot[], jobId: string): TimelineRow[] {
  const root = jobs.find((job) => job.jobId === jobId);
  if (root === undefined) return [];
  // There may be thousands of other jobs, which need not be put in order.
  const [, ...below] = walk([root], childrenOf(jobs), new Set()).map(({ job }) => job);
  return walk([root], childrenOf(below.sort(byBegin)), new Set());
}

function nested(jobs: readonly JobSnapshot[]): TimelineRow[] {
  const ids = new Set(jobs.map(({ jobId }) => jobId));
  const children = childrenOf(jobs);
  const seen = new Set<string>();
  const roots = jobs.filter(({ parentJobId }) => parentJobId === undefined || !ids.has(parentJobId));
  const rows = walk(roots.reverse(), children, seen);
  // Jobs that say to be each other's parents hang on no root.
  for (const job of jobs) if (!seen.has(job.jobId)) rows.push(...walk([job], children, seen));
  return rows;
}

function byBegin(a: JobSnapshot, b: JobSnapshot): number {
  return beginOf(a) - beginOf(b);
}

function childrenOf(jobs: readonly JobSnapshot[]): ReadonlyMap<string | undefined, JobSnapshot[]> {
  return Map.groupBy(jobs, ({ parentJobId }) => parentJobId);
}

/** Without recursion: who makes jobs decides how deep they nest. */
function walk(
  roots: readonly JobSnapshot[],
  children: ReadonlyMap<string | undefined, JobSnapshot[]>,
  seen: Set<string>,
): TimelineRow[] {
  const rows: TimelineRow[] = [];
  const waiting = roots.map((job) => ({ job, depth: 0 })).reverse();
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    const { job, depth } = row;
    if (seen.has(job.jobId)) continue;
    seen.add(job.jobId);
    rows.push(row);
    for (const child of (children.get(job.jobId) ?? []).toReversed()) {
      waiting.push({ job: child, depth: depth + 1 });
    }
  }
  return rows;
}
