import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import type { JobPageAnswer } from "../bridge-api.ts";
import { type HeldEvents, merged, NO_EVENTS } from "./job-events.ts";

export type Reading =
  | { state: "reading" }
  /** `next` is there while the log holds more. */
  | { state: "read"; next: string | undefined }
  | { state: "failed"; error: unknown };

export interface JobReaderOptions {
  jobId: string;
  read: (jobId: string, after?: string) => Promise<JobPageAnswer>;
  /** Calls back with each event of the job that comes. Returns what ends that. */
  watch: (jobId: string, handler: (event: JobEvent) => void) => () => void;
}

/** Pages that are read without being asked for. */
const MAX_PAGES = 4;

/** Everything that the log tells of one job, and what it will tell. */
export class JobReader {
  readonly #options: JobReaderOptions;
  readonly #events = signal<HeldEvents>(NO_EVENTS);
  readonly #reading = signal<Reading>({ state: "reading" });
  readonly #job = signal<JobSnapshot | undefined>(undefined);
  readonly close: () => void;
  #isClosed = false;

  constructor(options: JobReaderOptions) {
    const { jobId, watch } = options;
    this.#options = options;
    const unwatch = watch(jobId, (event) => this.#add([event]));
    this.close = () => {
      this.#isClosed = true;
      unwatch();
    };
  }

  get events(): ReadonlySignal<HeldEvents> {
    return this.#events;
  }

  get reading(): ReadonlySignal<Reading> {
    return this.#reading;
  }

  /** The job as it was when it was read: for jobs that the list has let go. */
  get job(): ReadonlySignal<JobSnapshot | undefined> {
    return this.#job;
  }

  /** Reads some pages more. Never rejects. */
  async read(): Promise<void> {
    const { jobId, read } = this.#options;
    const before = this.#reading.peek();
    let next = before.state === "read" ? before.next : undefined;
    this.#reading.value = { state: "reading" };
    try {
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const answer = await read(jobId, next);
        if (this.#isClosed) return;
        next = answer.next;
        batch(() => {
          this.#job.value = answer.job;
          this.#add(answer.events);
        });
        if (next === undefined) break;
      }
      this.#reading.value = { state: "read", next };
    } catch (error) {
      this.#reading.value = { state: "failed", error };
    }
  }

  #add(events: readonly JobEvent[]): void {
    this.#events.value = merged(this.#events.peek(), events);
  }
}
