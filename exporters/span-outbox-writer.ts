import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { reasonOf } from "../src/errors.ts";
import { nextTurn } from "../src/event/next-turn.ts";
import type { Store } from "../src/store/store.ts";
import { CHUNK_SPANS, type SpanIntake } from "./span-outbox-intake.ts";
import { Outage } from "./span-outbox-ledger.ts";
import type { Schedule } from "./span-outbox-schedule.ts";
import type { SpanSpool } from "./span-outbox-spool.ts";

export interface WriterOptions {
  store: Store;
  intake: SpanIntake;
  spool: SpanSpool;
  maxUnsavedSpans: number;
  commitDelayMs: number;
  schedule: Schedule;
  /** Told that there may be more on disk than before. */
  onSettled: () => void;
  /** Told of everything that the disk failed with. */
  onError: (reason: string) => void;
  /** Told once when an outage of the disk begins. */
  onOutage: (reason: string) => void;
}

/** Spans encoded in one transaction of our own, so that the event loop is not held for long. */
const COMMIT_SPANS = 4 * CHUNK_SPANS;
/** From so many spans in memory on, whoever ends one more waits until a chunk is written. */
const SPILL_SPANS = 1_024;
/** How long a disk that has failed is left alone. */
const DISK_RETRY_MS = 1_000;
/** How often we show others that we are there, and look for queues that nobody looks after. */
const LOOK_MS = 10_000;

/** Gets spans from memory to disk: with the transactions of others, or soon in one of its own. */
export class SpanWriter {
  readonly #options: WriterOptions;
  readonly #outage: Outage;
  readonly #stopCommits: () => void;
  /** Spans that the transaction which runs may take along. */
  #quota = Number.POSITIVE_INFINITY;
  #dropped = 0;
  #isFailing = false;
  #isClosed = false;
  #cancelCommit: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#outage = new Outage(options.onOutage);
    this.#stopCommits = options.store.onCommit(
      () => this.#write(),
      (isKept) => this.#settle(isKept),
    );
    this.#look();
  }

  /** Spans in memory, dropped as the disk took no more. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Spans in memory. */
  get unsaved(): number {
    const { intake, spool } = this.#options;
    return intake.size + spool.unsavedSpans;
  }

  /** Never throws. */
  add(span: ReadableSpan): void {
    const { intake, maxUnsavedSpans } = this.#options;
    intake.add(span);
    if (intake.waiting >= SPILL_SPANS && !this.#isFailing) this.commit(CHUNK_SPANS);
    if (this.unsaved > maxUnsavedSpans) this.#forgetOldest();
    this.commitSoon();
  }

  /** Writes at most `maxSpans`, and what became of batches. Never throws; what fails is tried again. */
  commit(maxSpans: number = COMMIT_SPANS): void {
    const { intake, spool, store } = this.#options;
    if (this.#isClosed || (intake.waiting === 0 && !spool.isDirty)) return;
    this.#quota = maxSpans;
    // The work is done by `#write`, as in the transactions of others.
    this.#onDisk(() => store.transaction(() => {}));
    this.#quota = Number.POSITIVE_INFINITY;
  }

  /** Writes what waits now, in turns of the event loop, unless the disk fails. */
  async commitAll(): Promise<void> {
    for (let left = this.#options.intake.waiting; left > 0 && !this.#isFailing; left -= COMMIT_SPANS) {
      this.commit();
      await nextTurn();
    }
  }

  commitSoon(): void {
    this.#commitIn(this.#isFailing ? DISK_RETRY_MS : this.#options.commitDelayMs);
  }

  /** Writes all that it can, at once, and gives up the queue. Never throws. */
  close(): void {
    const { intake, spool } = this.#options;
    intake.hurry();
    this.commit(Number.POSITIVE_INFINITY);
    this.#isClosed = true;
    while (this.#forgetOldest() > 0);
    this.#stopCommits();
    this.#cancelCommit?.();
    this.#cancelLook?.();
    this.#onDisk(() => spool.release());
  }

  #commitIn(delayMs: number): void {
    this.#cancelCommit ??= this.#options.schedule(() => {
      this.#cancelCommit = undefined;
      this.commit();
      // What is left has waited for long enough: it only lets others have their turn.
      if (this.#options.intake.waiting > 0) this.#commitIn(this.#isFailing ? DISK_RETRY_MS : 0);
    }, delayMs);
  }

  /** Inside a transaction, of whomever. */
  #write(): void {
    const { intake, spool } = this.#options;
    for (const chunk of intake.encode(this.#quota)) spool.add(chunk);
    // Others must not fail because we do.
    if (spool.isDirty) this.#onDisk(() => spool.write());
  }

  #settle(isKept: boolean): void {
    const { spool, onSettled } = this.#options;
    const hasWritten = spool.settle(isKept);
    if (spool.isDirty) this.commitSoon();
    if (!hasWritten) return;
    this.#isFailing = false;
    this.#outage.end();
    // Not on the time of whoever made the transaction.
    queueMicrotask(onSettled);
  }

  #look(): void {
    const { spool, schedule, onSettled } = this.#options;
    this.#onDisk(() => spool.look());
    this.#cancelLook = schedule(() => {
      this.#look();
      onSettled();
    }, LOOK_MS);
  }

  #onDisk(action: () => void): void {
    try {
      action();
    } catch (error) {
      const reason = reasonOf(error);
      this.#isFailing = true;
      this.#options.onError(reason);
      this.#outage.begin(reason);
      if (!this.#isClosed) this.commitSoon();
    }
  }

  #forgetOldest(): number {
    const { intake, spool } = this.#options;
    const spans = spool.forgetOldest() || intake.forgetOldest();
    this.#dropped += spans;
    return spans;
  }
}
