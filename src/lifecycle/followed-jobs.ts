import { FifoMap } from "../fifo-map.ts";
import { isTerminal, type JobStatus } from "../job/job.ts";
import type { JobFacts } from "./job-facts.ts";

/** What is kept of a job between its events. */
export interface FollowedJob {
  /** Who follows it; an id belongs to whom it was first heard from. */
  readonly owner: object;
  facts: JobFacts;
  queuedAt: number | undefined;
  traceparent: string | undefined;
  status: JobStatus;
  /** Of the last event. */
  revision: number;
  /** When the last event happened, in milliseconds since the epoch. */
  toldAt: number;
}

export interface FollowedJobsOptions {
  /** Jobs followed at one time; more are counted and not followed. Default: 100,000. */
  maxOpen?: number | undefined;
  /** Ended jobs remembered, so that repeated ends are recognised. Default: 10,000. */
  maxEnded?: number | undefined;
}

/** The jobs of all sources whose events meet in one log: those that are open and the last to have ended. */
export class FollowedJobs {
  readonly #open = new Map<string, FollowedJob>();
  readonly #ended = new FifoMap<string, FollowedJob>();
  readonly #maxOpen: number;
  readonly #maxEnded: number;

  constructor({ maxOpen = 100_000, maxEnded = 10_000 }: FollowedJobsOptions = {}) {
    this.#maxOpen = maxOpen;
    this.#maxEnded = maxEnded;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#maxOpen;
  }

  get(jobId: string): FollowedJob | undefined {
    return this.#open.get(jobId) ?? this.#ended.get(jobId);
  }

  openOf(owner: object): FollowedJob[] {
    return [...this.#open.values()].filter((job) => job.owner === owner);
  }

  /** Keeps the job where its status belongs. */
  keep(job: FollowedJob): void {
    const { jobId } = job.facts;
    if (!isTerminal(job.status)) {
      this.#open.set(jobId, job);
      return;
    }
    this.#open.delete(jobId);
    this.#ended.set(jobId, job);
    if (this.#ended.size > this.#maxEnded) this.#ended.deleteOldest();
  }
}
