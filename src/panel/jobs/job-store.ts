import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { lengthOf } from "../../event/json-length.ts";
import { FifoMap } from "../../fifo-map.ts";
import { isTerminal } from "../../job/job.ts";
import { applyJobEvent } from "./job-reducer.ts";

/** One job; whoever shows it is told of its changes alone. */
export interface JobEntry {
  readonly id: string;
  readonly job: ReadonlySignal<JobSnapshot>;
}

interface HeldEntry extends JobEntry {
  readonly job: Signal<JobSnapshot>;
  length: number;
}

export interface JobStoreOptions {
  /** Jobs held at one time, as many as the bridge holds. Default: 10,000. */
  maxJobs?: number | undefined;
  /** What they may come to as JSON, in UTF-16 code units, as at the bridge. Default: 64 Mi. */
  maxLength?: number | undefined;
}

const MI = 1024 * 1024;

/**
 * The jobs that the page knows. When there are too many, or they come to too much, the one that ended first goes
 * first, and the oldest when none has ended: the same that the bridge lets go.
 */
export class JobStore {
  readonly #maxJobs: number;
  readonly #maxLength: number;
  #length = 0;
  #entries = new FifoMap<string, HeldEntry>();
  #ended = new FifoMap<string, string>();
  readonly #shape = signal(0);
  readonly #letGo = signal(0);
  #newestFirst: readonly JobEntry[] | undefined;

  constructor({ maxJobs = 10_000, maxLength = 64 * MI }: JobStoreOptions = {}) {
    this.#maxJobs = maxJobs;
    this.#maxLength = maxLength;
  }

  /** Changes when a job comes, goes, or gets another status; not with progress. */
  get shape(): ReadonlySignal<number> {
    return this.#shape;
  }

  /** Jobs let go since the last snapshot, as there were too many or they were too long. */
  get letGo(): ReadonlySignal<number> {
    return this.#letGo;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(jobId: string): JobEntry | undefined {
    return this.#entries.get(jobId);
  }

  /** Subscribes to `shape`. */
  newestFirst(): readonly JobEntry[] {
    // Read so that whoever is computing this is told when it has changed.
    void this.#shape.value;
    this.#newestFirst ??= [...this.#entries.values()].reverse();
    return this.#newestFirst;
  }

  /** What is known from now on. A job that was known keeps its entry. */
  replace(newestFirst: readonly JobSnapshot[]): void {
    const before = this.#entries;
    this.#entries = new FifoMap();
    this.#ended = new FifoMap();
    this.#length = 0;
    const ended = newestFirst.filter(({ status }) => isTerminal(status));
    for (const { jobId } of ended.sort(byEnd)) this.#ended.set(jobId, jobId);
    batch(() => {
      for (const job of newestFirst.toReversed()) {
        this.#hold(job, before.get(job.jobId));
      }
      this.#letGo.value = 0;
      this.#makeRoom();
      this.#changed();
    });
  }

  /** Call it in a `batch`. Returns the job as it was. */
  apply(event: JobEvent): JobSnapshot | undefined {
    const { jobId } = event.data;
    const entry = this.#entries.get(jobId);
    const before = entry?.job.peek();
    const job = applyJobEvent(before, event);
    this.#length -= entry?.length ?? 0;
    this.#hold(job, entry);
    if (before?.status !== job.status || event.type === "orchestra.job.created") {
      if (isTerminal(job.status)) this.#ended.set(jobId, jobId);
      else this.#ended.delete(jobId);
      this.#changed();
    }
    this.#makeRoom();
    return before;
  }

  #hold(job: JobSnapshot, known: HeldEntry | undefined): void {
    const { jobId } = job;
    const entry = known ?? { id: jobId, job: signal(job), length: 0 };
    entry.job.value = job;
    entry.length = lengthOf(job);
    this.#length += entry.length;
    this.#entries.set(jobId, entry);
  }

  get #isFull(): boolean {
    return this.#entries.size > this.#maxJobs || this.#length > this.#maxLength;
  }

  #makeRoom(): void {
    while (this.#entries.size > 1 && this.#isFull) {
      const jobId = this.#ended.oldest ?? (this.#entries.oldest as HeldEntry).id;
      this.#length -= (this.#entries.get(jobId) as HeldEntry).length;
      this.#entries.delete(jobId);
      this.#ended.delete(jobId);
      this.#letGo.value++;
      this.#changed();
    }
  }

  #changed(): void {
    this.#newestFirst = undefined;
    this.#shape.value++;
  }
}

function byEnd(a: JobSnapshot, b: JobSnapshot): number {
  return (a.finishedAt ?? a.updatedAt) - (b.finishedAt ?? b.updatedAt);
}
