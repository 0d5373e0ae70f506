import type { EventFilter } from "../event/event-filter.ts";
import type { JobPage } from "../event/job-table.ts";
import type { Attempt } from "./attempt.ts";
import { get } from "./bridge-request.ts";
import { FeedError } from "./feed-error.ts";
import type { Snapshot } from "./feed-item.ts";
import type { FeedOptions } from "./feed-options.ts";

/** Jobs of one page; the most that a bridge gives. */
const PAGE = "1000";

export interface ReadSnapshot {
  snapshot: Snapshot;
  /**
   * Pages are as of when each was read, the feed goes on from the first: the revisions up to which later
   * pages tell already what the feed will tell.
   */
  told: Map<string, number>;
}

/** @throws FeedError, and what `fetch` throws */
export async function readSnapshot(options: FeedOptions, attempt: Attempt): Promise<ReadSnapshot> {
  const { filters = {} } = options;
  const first = await readPage(options, attempt);
  const { cursor } = first;
  if (cursor === undefined) throw new Error("Expected a list of jobs with a cursor");
  const jobs = first.jobs.filter((job) => fits(job, filters));
  const told = new Map<string, number>();
  for (let after = first.next; after !== undefined; ) {
    const page = await readPage(options, attempt, after);
    for (const job of page.jobs) {
      if (!fits(job, filters)) continue;
      jobs.push(job);
      told.set(job.jobId, job.revision);
    }
    after = page.next;
  }
  return { snapshot: { jobs, cursor }, told };
}

async function readPage(options: FeedOptions, attempt: Attempt, after?: string): Promise<JobPage> {
  const { workerIds = [], sessionIds = [] } = options.filters ?? {};
  const query = new URLSearchParams({ limit: PAGE });
  // The list takes one of each; more are picked out of it here.
  if (workerIds.length === 1) query.set("workerId", workerIds[0] as string);
  if (sessionIds.length === 1) query.set("sessionId", sessionIds[0] as string);
  if (after !== undefined) query.set("after", after);
  try {
    const response = await get("/v1/jobs", query, options, attempt);
    return (await attempt.wait(response.json())) as JobPage;
  } catch (cause) {
    if (after === undefined || !(cause instanceof FeedError && cause.status === 400)) throw cause;
    throw new Error("A job that the list was to go on from is gone", { cause });
  }
}

function fits(job: JobPage["jobs"][number], { workerIds, sessionIds, jobIds }: EventFilter): boolean {
  return isAmong(job.workerId, workerIds) && isAmong(job.sessionId, sessionIds) && isAmong(job.jobId, jobIds);
}

function isAmong(id: string | undefined, choices: readonly (string | undefined)[] = []): boolean {
  return choices.length === 0 || choices.includes(id);
}
