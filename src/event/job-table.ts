import { invalidArgument } from "../errors.ts";
import { FifoMap } from "../fifo-map.ts";
import { isTerminal, type JobStatus } from "../job/job.ts";
import { isJobEvent } from "./event.ts";
import type { Cursor, EventRecord } from "./event-log.ts";
import type { EventSink } from "./event-sink.ts";
import { applyJobEvent, type JobSnapshot } from "./job-snapshot.ts";
import { lengthOf } from "./json-length.ts";

export interface JobQuery {
  status?: JobStatus | undefined;
  workerId?: string | undefined;
  sessionId?: string | undefined;
  /** Continue after this job of the previous page. */
  after?: string | undefined;
  /** At most this many, newest first. Default: 100. */
  limit?: number | undefined;
}

export interface JobPage {
  jobs: JobSnapshot[];
  /** Jobs that fit the query on all pages. */
  total: number;
  /** What `after` takes for the next page; undefined on the last. */
  next: string | undefined;
  /** The table's place in the log: a feed from here on continues this page without a race. */
  cursor: Cursor | undefined;
}

export interface JobTableOptions {
  /** Jobs held at one time. Default: 10,000. */
  maxJobs?: number | undefined;
  /** What they may come to as JSON, in UTF-16 code units. Default: 64 Mi. */
  maxLength?: number | undefined;
}

export interface JobTableStats {
  /** Jobs held now, and what they come to as JSON, in UTF-16 code units. */
  jobs: number;
  length: number;
  /** Jobs let go, as there were too many or they were too long. */
  evicted: number;
}

const MI = 1024 * 1024;
/** What a page may come to: sending more at once would keep everybody else waiting. */
const PAGE_LENGTH = MI;

/**
 * The jobs that the log tells of, as of `cursor`: a projection, kept current as a sink. When it is full,
 * the job that ended first goes first, and the oldest when none has ended.
 */
export class JobTable implements EventSink {
  readonly name = "jobs";
  readonly #jobs = new FifoMap<string, HeldJob>();
  /** In the order in which they ended. */
  readonly #ended = new FifoMap<string, string>();
  readonly #maxJobs: number;
  readonly #maxLength: number;
  #length = 0;
  #evicted = 0;
  #cursor: Cursor | undefined;
  #isClosed = false;

  constructor({ maxJobs = 10_000, maxLength = 64 * MI }: JobTableOptions = {}) {
    this.#maxJobs = maxJobs;
    this.#maxLength = maxLength;
  }

  /** The place in the log up to which this table is complete; undefined before the first record. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  onEvent({ event, cursor }: EventRecord): void {
    if (this.#isClosed) return;
    this.#cursor = cursor;
    // Inside a program `data` is trusted to its type; an ill-made event must not end the table.
    if (!isJobEvent(event) || typeof event.data?.jobId !== "string") return;
    const { jobId } = event.data;
    this.#hold(jobId, applyJobEvent(this.get(jobId), event));
    while (this.#jobs.size > 1 && this.#isFull) this.#evict();
  }

  get(jobId: string): JobSnapshot | undefined {
    return this.#jobs.get(jobId)?.job;
  }

  stats(): JobTableStats {
    return { jobs: this.#jobs.size, length: this.#length, evicted: this.#evicted };
  }

  /** @throws INVALID_ARGUMENT when `after` is not a held job's id (any more) */
  list(query: JobQuery = {}): JobPage {
    const { status, workerId, sessionId, after, limit = 100 } = query;
    const fits = ({ job }: HeldJob) =>
      (status === undefined || job.status === status) &&
      (workerId === undefined || job.workerId === workerId) &&
      (sessionId === undefined || job.sessionId === sessionId);
    const newestFirst = [...this.#jobs.values()].reverse();
    // Its place among all jobs: it may not fit the query any more.
    const start = after === undefined ? 0 : newestFirst.findIndex(({ job }) => job.jobId === after) + 1;
    if (start === 0 && after !== undefined) throw invalidArgument("after", "the id of a held job", after);
    const rest = newestFirst.slice(start).filter(fits);
    const jobs = firstPage(rest, limit);
    return {
      jobs,
      total: newestFirst.filter(fits).length,
      next: rest.length > jobs.length ? jobs.at(-1)?.jobId : undefined,
      cursor: this.#cursor,
    };
  }

  async forceFlush(): Promise<void> {}

  /** What it holds can still be read. */
  async shutdown(): Promise<void> {
    this.#isClosed = true;
  }

  get #isFull(): boolean {
    return this.#jobs.size > this.#maxJobs || this.#length > this.#maxLength;
  }

  #hold(jobId: string, job: JobSnapshot): void {
    const length = lengthOf(job);
    this.#length += length - (this.#jobs.get(jobId)?.length ?? 0);
    this.#jobs.set(jobId, { job, length });
    if (isTerminal(job.status)) this.#ended.set(jobId, jobId);
    else this.#ended.delete(jobId);
  }

  #evict(): void {
    const first = (this.#jobs.oldest as HeldJob).job.jobId;
    const jobId = this.#ended.oldest ?? first;
    this.#length -= (this.#jobs.get(jobId) as HeldJob).length;
    this.#jobs.delete(jobId);
    this.#ended.delete(jobId);
    this.#evicted++;
  }
}

interface HeldJob {
  job: JobSnapshot;
  length: number;
}

/** At least one job, and no more than may be sent at once. */
function firstPage(held: readonly HeldJob[], limit: number): JobSnapshot[] {
  const jobs: JobSnapshot[] = [];
  let total = 0;
  for (const { job, length } of held.slice(0, limit)) {
    total += length;
    if (jobs.length > 0 && total > PAGE_LENGTH) break;
    jobs.push(job);
  }
  return jobs;
}
