import { invalidArgument } from "../errors.ts";
import { isTerminal, type JobStatus } from "../job/job.ts";
import { isJobEvent } from "./event.ts";
import type { Cursor, EventRecord } from "./event-log.ts";
import type { EventSink } from "./event-sink.ts";
import { applyJobEvent, type JobSnapshot } from "./job-snapshot.ts";

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

/** The jobs that the log tells of, as of `cursor`: a projection, kept current as a sink. */
export class JobTable implements EventSink {
  readonly name = "jobs";
  readonly #jobs = new Map<string, JobSnapshot>();
  readonly #maxJobs: number;
  #cursor: Cursor | undefined;

  /** Past `maxJobs` the oldest ended job goes first, then the oldest of all. Default: 10,000. */
  constructor(options: { maxJobs?: number } = {}) {
    this.#maxJobs = options.maxJobs ?? 10_000;
  }

  /** The place in the log up to which this table is complete; undefined before the first record. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  onEvent({ event, cursor }: EventRecord): void {
    this.#cursor = cursor;
    // Inside a program `data` is trusted to its type; an ill-made event must not end the table.
    if (!isJobEvent(event) || typeof event.data?.jobId !== "string") return;
    const { jobId } = event.data;
    this.#jobs.set(jobId, applyJobEvent(this.#jobs.get(jobId), event));
    if (this.#jobs.size > this.#maxJobs) this.#evict();
  }

  get(jobId: string): JobSnapshot | undefined {
    return this.#jobs.get(jobId);
  }

  /** @throws INVALID_ARGUMENT when `after` is not a held job's id (any more) */
  list(query: JobQuery = {}): JobPage {
    const { status, workerId, sessionId, after, limit = 100 } = query;
    const fits = (job: JobSnapshot) =>
      (status === undefined || job.status === status) &&
      (workerId === undefined || job.workerId === workerId) &&
      (sessionId === undefined || job.sessionId === sessionId);
    const newestFirst = [...this.#jobs.values()].reverse();
    // Its place among all jobs: it may not fit the query any more.
    const start = after === undefined ? 0 : newestFirst.findIndex((job) => job.jobId === after) + 1;
    if (start === 0 && after !== undefined) throw invalidArgument("after", "the id of a held job", after);
    const rest = newestFirst.slice(start).filter(fits);
    const jobs = rest.slice(0, limit);
    return {
      jobs,
      total: newestFirst.filter(fits).length,
      next: rest.length > jobs.length ? jobs.at(-1)?.jobId : undefined,
      cursor: this.#cursor,
    };
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #evict(): void {
    for (const [jobId, job] of this.#jobs) {
      if (!isTerminal(job.status)) continue;
      this.#jobs.delete(jobId);
      return;
    }
    const [oldest] = this.#jobs.keys();
    this.#jobs.delete(oldest as string);
  }
}
