import { batch, signal } from "@preact/signals";
import type {
  Connection,
  ConnectionHandlers,
  ConnectionState,
  FeedError,
  FeedEvent,
  Gap,
  Snapshot,
} from "../../client/index.ts";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { HourTally } from "../jobs/hour-tally.ts";
import { isJobEvent } from "../jobs/job-reducer.ts";
import { JobStore } from "../jobs/job-store.ts";
import { ProgressMarks } from "../timeline/progress-marks.ts";
import { EventBatch } from "./event-batch.ts";

export interface GapNote extends Gap {
  /** When this page was told, in milliseconds since the epoch. */
  at: number;
}

export type Link =
  | { state: "connecting" | "open" }
  | { state: "waiting"; message: string /** Milliseconds since the epoch. */; retryAt: number }
  | { state: "closed"; error: FeedError | undefined };

export interface LiveOptions {
  connect: (handlers: ConnectionHandlers) => Connection;
  /** Calls back when the page may be drawn anew. */
  schedule: (callback: () => void) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Gaps that are remembered. */
const MAX_GAPS = 50;

/** What the page knows of the bridge's jobs, kept current by the feed. */
export class Live {
  readonly store = new JobStore();
  readonly tally = new HourTally();
  readonly marks = new ProgressMarks();
  readonly link = signal<Link>({ state: "connecting" });
  /** Whether the list of jobs has been read. */
  readonly isLoaded = signal(false);
  /** Newest first. */
  readonly gaps = signal<readonly GapNote[]>([]);
  /** Events that came since the page was opened, and times that the list was read. */
  readonly received = signal(0);
  readonly snapshots = signal(0);
  readonly #options: LiveOptions;
  readonly #events: EventBatch<FeedEvent>;
  readonly #watchers = new Map<string, Set<(event: JobEvent) => void>>();
  #connection: Connection | undefined;

  constructor(options: LiveOptions) {
    const { schedule } = options;
    this.#options = options;
    this.#events = new EventBatch({ take: (events) => this.#take(events), schedule });
  }

  /** Connects, anew if it was connected. */
  start(): void {
    this.#connection?.close();
    this.#connection = this.#options.connect({
      onEvent: (event) => this.#events.add(event),
      onSnapshot: (snapshot) => this.#replace(snapshot),
      onGap: (gap) => this.#note(gap),
      onState: (state) => this.#enter(state),
      // What ended it is told by its state; what is no event is of no account here.
      onError: () => {},
    });
  }

  /** Shows these until the whole list has been read. */
  preview(newestFirst: readonly JobSnapshot[]): void {
    if (!this.isLoaded.peek() && newestFirst.length > 0) this.store.replace(newestFirst);
  }

  /** Calls `handler` with each event of the job that comes. Returns what ends that. */
  watch(jobId: string, handler: (event: JobEvent) => void): () => void {
    const handlers = this.#watchers.get(jobId) ?? new Set();
    this.#watchers.set(jobId, handlers.add(handler));
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0) this.#watchers.delete(jobId);
    };
  }

  #take(events: readonly FeedEvent[]): void {
    batch(() => {
      for (const event of events) if (isJobEvent(event)) this.#apply(event);
      this.received.value += events.length;
    });
  }

  #apply(event: JobEvent): void {
    const { jobId } = event.data;
    const before = this.store.apply(event);
    const job = this.store.get(jobId)?.job.peek();
    if (job !== undefined && job.status !== before?.status) this.tally.add(job);
    if (event.type === "orchestra.job.progress") this.marks.add(jobId, event.timestamp);
    for (const handler of this.#watchers.get(jobId) ?? []) handler(event);
  }

  #replace({ jobs }: Snapshot): void {
    this.#events.flush();
    batch(() => {
      this.store.replace(jobs);
      this.tally.reset(jobs);
      this.isLoaded.value = true;
      this.snapshots.value++;
    });
  }

  #note(gap: Gap): void {
    this.#events.flush();
    this.gaps.value = [{ ...gap, at: this.#options.now() }, ...this.gaps.peek()].slice(0, MAX_GAPS);
  }

  #enter(state: ConnectionState): void {
    if (state.state === "waiting") {
      const retryAt = this.#options.now() + state.retryInMs;
      this.link.value = { state: "waiting", message: state.error.message, retryAt };
    } else {
      this.link.value = state.state === "closed" ? { state: "closed", error: state.error } : state;
    }
  }
}
