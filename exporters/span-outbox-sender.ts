import type { Backoff } from "./span-outbox-backoff.ts";
import type { SpanCodecs } from "./span-outbox-codec.ts";
import { Outage } from "./span-outbox-ledger.ts";
import type { Batch, BatchLimits } from "./span-outbox-queue.ts";
import { judge, type Later, later, type Verdict } from "./span-outbox-reply.ts";
import type { Schedule } from "./span-outbox-schedule.ts";
import type { Mark, SpanSpool } from "./span-outbox-spool.ts";
import type { SpanTransport } from "./span-transport.ts";

export interface SenderOptions {
  spool: SpanSpool;
  transport: SpanTransport;
  codecs: SpanCodecs;
  batchLimits: Omit<BatchLimits, "maxChunks">;
  /** How long spans wait on disk for others to share a request with. */
  batchDelayMs: number;
  concurrency: number;
  backoff: Backoff;
  now: () => number;
  schedule: Schedule;
  /** Told of everything that a request failed with. */
  onError: (reason: string) => void;
  /** Told once when an outage begins. */
  onOutage: (reason: string) => void;
  /** Told when spans become dead letters for the first time. */
  onRejected: (reason: string) => void;
  /** Asked to write to disk that a batch is done with. */
  commit: () => void;
}

/** A small chunk is a few hundred bytes; so many of them are a small request still. */
const MAX_CHUNKS = 128;

interface Sent {
  readonly request: Uint8Array;
  readonly verdict: Verdict;
}

interface Flush {
  /** Undefined when all is to be sent, what comes meanwhile and what was inherited included. */
  readonly mark: Mark | undefined;
  readonly done: () => void;
}

/** Sends batches from the spool, one after the other, for as long as the receiver takes them. */
export class SpanSender {
  readonly #options: SenderOptions;
  readonly #outage: Outage;
  readonly #rejections: Outage;
  #inFlight = 0;
  #failures = 0;
  #attempts = 0;
  /** Shrinks while the receiver refuses what batches hold, to find out which span it is. */
  #maxChunks = MAX_CHUNKS;
  /** Is a batch to be sent that is not full? */
  #isDue = true;
  #cancelTimer: (() => void) | undefined;
  /** Set between a failure and the next attempt. */
  #pause: { readonly until: number; readonly wasAskedFor: boolean } | undefined;
  #flushes: Flush[] = [];
  #isClosed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#outage = new Outage(options.onOutage);
    this.#rejections = new Outage(options.onRejected);
  }

  get attempts(): number {
    return this.#attempts;
  }

  get nextAttemptAt(): number | undefined {
    return this.#pause?.until;
  }

  /** Something may be there to be sent: at once what fills a batch, the rest a little later. */
  notify(): void {
    this.#pump();
  }

  /**
   * Resolves when all of ours that is on disk was delivered or rejected, or when a request fails. Does not
   * wait for the next attempt, unless the receiver has asked for it.
   */
  flush(): Promise<void> {
    return this.#sendUntil(this.#options.spool.mark());
  }

  /** The same with all that is inherited; nothing is on its way when it resolves. */
  drain(): Promise<void> {
    return this.#sendUntil(undefined);
  }

  /** Cuts off what is on its way; it stays on disk. */
  close(): void {
    this.#isClosed = true;
    this.#pause = undefined;
    this.#cancelTimer?.();
    this.#options.transport.close();
    this.#endFlushes(() => true);
  }

  #sendUntil(mark: Mark | undefined): Promise<void> {
    // Whoever has asked us to wait is not asked again before.
    if (this.#isClosed || this.#pause?.wasAskedFor) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.push({ mark, done: resolve });
    this.#wake();
    return promise;
  }

  #pump(): void {
    const { concurrency, spool, batchDelayMs } = this.#options;
    // A receiver that has failed is tried with one request.
    const most = this.#failures > 0 ? 1 : concurrency;
    while (this.#inFlight < most && this.#pause === undefined && !this.#isClosed) {
      const batch = this.#take();
      if (batch === undefined) break;
      this.#inFlight++;
      void this.#deliver(batch);
    }
    const isIdle = this.#inFlight === 0;
    if (spool.waiting > 0 && !this.#isClosed) this.#wakeIn(batchDelayMs);
    this.#endFlushes(({ mark }) => isIdle || (mark !== undefined && spool.isPast(mark)));
  }

  #wakeIn(delayMs: number): void {
    this.#cancelTimer ??= this.#options.schedule(() => this.#wake(), delayMs);
  }

  #wake(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#pause = undefined;
    this.#isDue = true;
    this.#pump();
  }

  #take(): Batch | undefined {
    const { spool, batchLimits } = this.#options;
    try {
      const batch = spool.take({ ...batchLimits, maxChunks: this.#maxChunks }, { isDue: this.#isDue });
      // What comes from now on waits for its own delay.
      if (spool.waiting === 0) this.#isDue = false;
      return batch;
    } catch (error) {
      this.#fail(later(error));
      return undefined;
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    const sent = await this.#send(batch);
    this.#inFlight--;
    if (this.#isClosed) {
      batch.queue.giveBack(batch);
      return;
    }
    this.#conclude(batch, sent);
    this.#pump();
  }

  /** Never rejects. */
  async #send(batch: Batch): Promise<Sent> {
    const { codecs, spool, transport, now } = this.#options;
    const { contentType, join } = codecs[batch.protocol];
    let request: Uint8Array = new Uint8Array();
    try {
      request = join(spool.bodies(batch));
      this.#attempts++;
      return { request, verdict: judge(await transport.post(contentType, request), codecs, now()) };
    } catch (error) {
      return { request, verdict: later(error) };
    }
  }

  #conclude(batch: Batch, { request, verdict }: Sent): void {
    const { spool, commit, onError } = this.#options;
    if (verdict.kind === "later") {
      batch.queue.giveBack(batch);
      this.#fail(verdict);
      return;
    }
    this.#failures = 0;
    if (verdict.kind === "unacceptable") {
      this.#refused(batch, verdict.reason, request);
    } else {
      this.#outage.end();
      this.#maxChunks = Math.min(MAX_CHUNKS, this.#maxChunks * 2);
      if (verdict.rejected > 0) onError(`${verdict.rejected} spans rejected: ${verdict.message}`);
      spool.accept(batch, verdict.rejected);
    }
    commit();
  }

  /** One bad span must not cost all those that happen to share its request. */
  #refused(batch: Batch, reason: string, request: Uint8Array): void {
    const { onError, spool } = this.#options;
    onError(reason);
    const parts = batch.chunks > 1 ? undefined : this.#partsOf(batch, request);
    const pieces = parts?.length ?? batch.chunks;
    if (pieces === 1) {
      this.#rejections.begin(reason);
      spool.reject(batch, reason);
      return;
    }
    this.#maxChunks = Math.ceil(pieces / 2);
    this.#isDue = true;
    if (parts === undefined) batch.queue.giveBack(batch);
    else if (!spool.split(batch, parts)) {
      batch.queue.giveBack(batch);
      this.#fail({ kind: "later", reason, isSlow: false });
    }
  }

  /** The spans of a chunk, each by itself; undefined for a chunk that is damaged. */
  #partsOf({ protocol, spans }: Batch, request: Uint8Array): Uint8Array[] | undefined {
    try {
      const parts = this.#options.codecs[protocol].split(request);
      return parts.length === spans ? parts : undefined;
    } catch {
      return undefined;
    }
  }

  #fail({ reason, retryAfterMs, isSlow }: Later): void {
    this.#failures++;
    const delayMs = this.#options.backoff.delayAfter(this.#failures, { retryAfterMs, isSlow });
    this.#pause = { until: this.#options.now() + delayMs, wasAskedFor: retryAfterMs !== undefined };
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wakeIn(delayMs);
    this.#endFlushes(({ mark }) => mark !== undefined);
    this.#options.onError(reason);
    this.#outage.begin(reason);
  }

  #endFlushes(isOver: (flush: Flush) => boolean): void {
    if (this.#flushes.length === 0) return;
    const over = this.#flushes.filter(isOver);
    this.#flushes = this.#flushes.filter((flush) => !over.includes(flush));
    for (const { done } of over) done();
  }
}
