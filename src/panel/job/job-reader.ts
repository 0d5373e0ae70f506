import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import type { JobPageAnswer } from "../bridge-api.ts";
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
  readonly close: () => void;
  /** Of the latest reading: what an earlier one, or one that was closed, gets is of no account. */
  #turn = 0;

  constructor(options: JobReaderOptions) {
    const { jobId, watch } = options;
    this.#options = options;
    const unwatch = watch(jobId, (events) => {
      const job = this.#job.peek();
      batch(() => {
        this.#add(events);
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

  /** Reads some pages more, instead of what is being read. Never rejects. */
  async read(): Promise<void> {
    const turn = ++this.#turn;
    const { jobId, read } = this.#options;
    const before = this.#reading.peek();
    let next = before.state === "read" ? before.next : undefined;
    this.#reading.value = { state: "reading" };
    try {
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const answer = await read(jobId, next);
        if (turn !== this.#turn) return;
        next = answer.next;
        batch(() => {
          this.#add(answer.events);
          this.#job.value = current(answer.job, this.#events.peek().events);
        });
        if (next === undefined) break;
      }
      this.#reading.value = { state: "read", next };
    } catch (error) {
      if (turn === this.#turn) this.#reading.value = { state: "failed", error };
    }
  }

  #add(events: readonly JobEvent[]): void {
    this.#events.value = merged(this.#events.peek(), events);
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
