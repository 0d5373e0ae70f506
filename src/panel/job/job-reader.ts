import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { BridgeError, type JobPageAnswer } from "../bridge-api.ts";
import { applyJobEvent } from "../jobs/job-reducer.ts";
import { type HeldEvents, merged, NO_EVENTS } from "./job-events.ts";

export type Reading =
  | { state: "reading" }
  /** `next` is there while the log holds more. */
  | { state: "read"; next: string | undefined }
  | { state: "failed"; error: unknown };

export interface JobReaderOptions {
  jobId: string;
  read: (jobId: string, after?: string) => Promise<JobPageAnswer>;
  /** Calls back with the events of the job that come. Returns what ends that. */
  watch: (jobId: string, handler: (events: readonly JobEvent[]) => void) => () => void;
}

/** Pages that are read without being asked for. */
const MAX_PAGES = 4;

/** Everything that the log tells of one job, and what it will tell. */
export class JobReader {
  readonly #options: JobReaderOptions;
  readonly #events = signal<HeldEvents>(NO_EVENTS);
  readonly #reading = signal<Reading>({ state: "reading" });
  readonly #job = signal<JobSnapshot | undefined>(undefined);
  readonly #isGone = signal(false);
  readonly close: () => void;
  /** What the log has told since it was last read from the start; `#events` until that has been read again. */
  #told = NO_EVENTS;
  /** Of the latest reading: what an earlier one, or one that was closed, gets is of no account. */
  #turn = 0;

  constructor(options: JobReaderOptions) {
    const { jobId, watch } = options;
    this.#options = options;
    const unwatch = watch(jobId, (events) => {
      const job = this.#job.peek();
      batch(() => {
        this.#add(events);
        this.#isGone.value = false;
        if (job !== undefined) this.#job.value = current(job, events);
      });
    });
    this.close = () => {
      this.#turn++;
      unwatch();
    };
  }

  get events(): ReadonlySignal<HeldEvents> {
    return this.#events;
  }

  get reading(): ReadonlySignal<Reading> {
    return this.#reading;
  }

  /** The job as it was read, and as its events tell it since: for jobs that the list has let go. */
  get job(): ReadonlySignal<JobSnapshot | undefined> {
    return this.#job;
  }

  /** Whether the bridge has said that it holds the job no longer: `job` is then what was last known. */
  get isGone(): ReadonlySignal<boolean> {
    return this.#isGone;
  }

  /**
   * Reads the first pages, instead of what is being read. What was read before goes once they are here: it may be
   * of a log that is no more. Never rejects.
   */
  async read(): Promise<void> {
    // What has come since this was made comes after the pages.
    if (this.#turn > 0) this.#told = NO_EVENTS;
    await this.#readPages(undefined);
  }

  /** Reads some pages more, if there are more. Never rejects. */
  async readMore(): Promise<void> {
    const reading = this.#reading.peek();
    if (reading.state === "read" && reading.next !== undefined) await this.#readPages(reading.next);
  }

  async #readPages(from: string | undefined): Promise<void> {
    const turn = ++this.#turn;
    const { jobId, read } = this.#options;
    let next = from;
    this.#reading.value = { state: "reading" };
    try {
      for (let pages = 1; pages <= MAX_PAGES; pages++) {
        const answer = await read(jobId, next);
        if (turn !== this.#turn) return;
        next = answer.next;
        const isLast = next === undefined || pages === MAX_PAGES;
        batch(() => {
          this.#take(answer, { isLast });
          if (isLast) this.#reading.value = { state: "read", next };
        });
        if (isLast) return;
      }
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  #take({ job, events }: JobPageAnswer, { isLast }: { isLast: boolean }): void {
    const isShown = this.#isShown;
    this.#told = merged(this.#told, events);
    if (isShown || isLast) this.#events.value = this.#told;
    this.#job.value = current(job, this.#told.events);
    this.#isGone.value = false;
  }

  #fail(error: unknown): void {
    batch(() => {
      this.#reading.value = { state: "failed", error };
      if (error instanceof BridgeError && error.code === "UNKNOWN_JOB") this.#isGone.value = true;
    });
  }

  get #isShown(): boolean {
    return this.#told === this.#events.peek();
  }

  #add(events: readonly JobEvent[]): void {
    const isShown = this.#isShown;
    this.#told = merged(this.#told, events);
    this.#events.value = isShown ? this.#told : merged(this.#events.peek(), events);
  }
}

/** The job after those of the events that are newer than it. */
function current(job: JobSnapshot, events: readonly JobEvent[]): JobSnapshot {
  return events.reduce(
    (before, event) => (isNews(event, before) ? applyJobEvent(before, event) : before),
    job,
  );
}

function isNews({ timestamp, data }: JobEvent, { revision, updatedAt }: JobSnapshot): boolean {
  // A job that begins anew counts its revisions anew.
  return data.revision === 0 ? timestamp > updatedAt : data.revision > revision && timestamp >= updatedAt;
}
