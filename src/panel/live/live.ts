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
import type { Cursor } from "../../event/event-log.ts";
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
  | { state: "waiting"; error: Error /** Milliseconds since the epoch. */; retryAt: number }
  | { state: "closed"; error: FeedError | undefined };

export interface LiveOptions {
  /** With `from` it goes on there, without reading the list again. */
  connect: (options: ConnectionHandlers & { from?: Cursor | undefined }) => Connection;
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
  readonly tally: HourTally;
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
  readonly #watchers = new Map<string, Set<(events: readonly JobEvent[]) => void>>();
  #connection: Connection | undefined;
  #starts = 0;

  constructor(options: LiveOptions) {
    const { schedule, now } = options;
    this.#options = options;
    this.tally = new HourTally(now);
    this.#events = new EventBatch({ take: (events) => this.#take(events), schedule });
  }

  /** Connects. Anew, if it was connected: it goes on where it was, so what happened meanwhile is not missed. */
  start(): void {
    // What becomes of the one before is no news.
    const start = ++this.#starts;
    this.#connection?.close();
    this.link.value = { state: "connecting" };
    this.#connection = this.#options.connect({
      from: this.#connection?.cursor,
      onEvent: (event) => this.#events.add(event),
      onSnapshot: (snapshot) => this.#replace(snapshot),
      onGap: (gap) => this.#note(gap),
      onState: (state) => {
        if (start === this.#starts) this.#enter(state);
      },
      // What ended it is told by its state; what is no event is of no account here.
      onError: () => {},
    });
  }

  /** Shows these until the whole list has been read. */
  preview(newestFirst: readonly JobSnapshot[]): void {
    if (!this.isLoaded.peek() && newestFirst.length > 0) this.store.replace(newestFirst);
  }

  /** Calls `handler` with the events of the job that come, once a drawing. Returns what ends that. */
  watch(jobId: string, handler: (events: readonly JobEvent[]) => void): () => void {
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
      for (const [jobId, handlers] of this.#watchers) {
        const own = events.filter(isJobEvent).filter(({ data }) => data.jobId === jobId);
        if (own.length > 0) for (const handler of handlers) handler(own);
      }
    });
  }

  #apply(event: JobEvent): void {
    const { jobId } = event.data;
    const before = this.store.apply(event);
    const job = this.store.get(jobId)?.job.peek();
    if (job !== undefined && job.status !== before?.status) this.tally.add(job);
    if (event.type === "orchestra.job.progress") this.marks.add(jobId, event.timestamp);
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
      this.link.value = { state: "waiting", error: state.error, retryAt };
    } else {
      this.link.value = state.state === "closed" ? { state: "closed", error: state.error } : state;
    }
  }
}
