import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal } from "../../job/job.ts";
import { noCounts, type StatusCounts } from "./job-list.ts";

/** What a worker does, or what goes on in a session. */
export interface Party {
  id: string;
  counts: StatusCounts;
  total: number;
  /** Jobs that have not ended, the one that began first in front. */
  open: readonly JobSnapshot[];
  /** The job that ended last. */
  last: JobSnapshot | undefined;
  /** Of its latest change, in milliseconds since the epoch. */
  updatedAt: number;
}

/** Those with open jobs first, then those that changed last. Jobs for which `idOf` has no id are left out. */
export function partiesOf(
  jobs: readonly JobSnapshot[],
  idOf: (job: JobSnapshot) => string | undefined,
): Party[] {
  const byId = Map.groupBy(jobs, idOf);
  byId.delete(undefined);
  const parties = [...byId].map(([id, members]) => partyOf(id as string, members));
  return parties.sort(
    (a, b) => Number(b.open.length > 0) - Number(a.open.length > 0) || b.updatedAt - a.updatedAt,
  );
}

function partyOf(id: string, jobs: readonly JobSnapshot[]): Party {
  const counts = noCounts();
  const open: JobSnapshot[] = [];
  let last: JobSnapshot | undefined;
  let updatedAt = 0;
  for (const job of jobs) {
    counts[job.status]++;
    updatedAt = Math.max(updatedAt, job.updatedAt);
    if (!isTerminal(job.status)) open.push(job);
    else if (last === undefined || endOf(job) > endOf(last)) last = job;
  }
  open.sort((a, b) => a.startedAt - b.startedAt);
  return { id, counts, total: jobs.length, open, last, updatedAt };
}

function endOf({ finishedAt, updatedAt }: JobSnapshot): number {
  return finishedAt ?? updatedAt;
}
