import { TraceFlags } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { ownProcess } from "../src/store/process-identity.ts";
import type { Store } from "../src/store/store.ts";
import { requireCount } from "./span-limit.ts";
import { type OtlpOptions, type OtlpTarget, otlpTarget } from "./span-otlp.ts";
import { Backoff, type BackoffOptions } from "./span-outbox-backoff.ts";
import { loadSpanCodecs, type SpanCodecs } from "./span-outbox-codec.ts";
import { SpanIntake } from "./span-outbox-intake.ts";
import type { SpanOutboxStats } from "./span-outbox-ledger.ts";
import { type Schedule, scheduleUnheld } from "./span-outbox-schedule.ts";
import { SpanSender } from "./span-outbox-sender.ts";
import { SpanSpool } from "./span-outbox-spool.ts";
import { SpanWriter } from "./span-outbox-writer.ts";
import { SpanTransport } from "./span-transport.ts";

export interface SpanOutboxOptions extends OtlpOptions {
  /** Where spans are until they are delivered; the outbox makes its own tables in it and never closes it. */
  store: Store;
  /**
   * Told once when spans can no longer be delivered or stored, and again only after it had worked in
   * between; and once when a receiver rejects spans for good. Default: it is only counted.
   */
  onWarning?: ((message: string) => void) | undefined;
  /**
   * Bytes of encoded spans on disk, those of all processes that share the store. Beyond it the oldest of
   * our own and of inherited ones are dropped. Default: 512 MiB.
   */
  maxBytes?: number | undefined;
  /** Bytes of spans kept that a receiver has rejected, the oldest removed beyond it. Default: 16 MiB. */
  maxDeadLetterBytes?: number | undefined;
  /** Spans in memory while the disk takes none, the oldest dropped beyond it. Default: 8,192. */
  maxUnsavedSpans?: number | undefined;
  /** Spans in one request. Default: 512. */
  maxBatchSpans?: number | undefined;
  /** Bytes of encoded spans in one request; a single chunk may exceed it. Default: 4 MiB. */
  maxBatchBytes?: number | undefined;
  /** How long a span waits for others to share its request with. Default: 1,000. */
  batchDelayMs?: number | undefined;
  /** Longest time that a span waits for a transaction of others before one is made for it. Default: 10. */
  commitDelayMs?: number | undefined;
  /** Requests at the same time, 1 or 2. Default: 1. */
  concurrency?: number | undefined;
  backoff?: BackoffOptions | undefined;
  /** Unique for each outbox. Default: a random one. */
  instanceId?: string | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** From 0 to 1. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Default: timers that do not hold the process. */
  schedule?: Schedule | undefined;
}

const MIB = 1024 * 1024;
const HOLD_MS = 60_000;
const NOTHING = () => {};

type CountOption = {
  [K in keyof SpanOutboxOptions]-?: SpanOutboxOptions[K] extends number | undefined ? K : never;
}[keyof SpanOutboxOptions];

/**
 * The durable way out for spans: they are on disk before they are sent, and leave it when the receiver has
 * them. A span is written in the transaction that comes next, so that a job's last event and its span are
 * both kept or both lost. Delivery is at least once; a span is sent twice only after a crash, a cut
 * connection or a shutdown during its request, always with the same ids.
 * @throws INVALID_ARGUMENT for options that cannot be used; what the store throws
 */
export async function createSpanOutbox(options: SpanOutboxOptions): Promise<SpanOutbox> {
  return new SpanOutbox(options, otlpTarget(options), await loadSpanCodecs());
}

/** Works in any provider, a NodeSDK's included: pass it in `spanProcessors`. */
export class SpanOutbox implements SpanProcessor {
  readonly #intake: SpanIntake;
  readonly #spool: SpanSpool;
  readonly #writer: SpanWriter;
  readonly #sender: SpanSender;
  #ended = 0;
  #closed = 0;
  /** Given up with the process, as nothing keeps them beyond it. */
  #abandoned = 0;
  readonly #isDurable: boolean;
  #lastError: string | undefined;
  #shutdown: Promise<void> | undefined;

  /** Use `createSpanOutbox`, which loads what is needed. */
  constructor(options: SpanOutboxOptions, { protocol, name, ...target }: OtlpTarget, codecs: SpanCodecs) {
    const settings = settingsOf(options);
    const { isDurable } = options.store;
    const place = isDurable ? "on disk" : "in memory";
    this.#isDurable = isDurable;
    const { store, now, schedule, warn, maxBatchSpans, maxBatchBytes, ...limits } = settings;
    const onError = (reason: string) => {
      this.#lastError = reason;
    };
    this.#intake = new SpanIntake({
      protocol,
      codec: codecs[protocol],
      now,
      onReady: () => this.#writer.commitSoon(),
    });
    this.#spool = new SpanSpool({ ...limits, store, now });
    this.#sender = new SpanSender({
      ...limits,
      spool: this.#spool,
      transport: new SpanTransport({ ...target, headers: options.headers }),
      codecs,
      batchLimits: { maxSpans: maxBatchSpans, maxBytes: maxBatchBytes },
      now,
      schedule,
      commit: () => this.#writer.commit(),
      onError,
      onOutage: (reason) =>
        warn(`Spans cannot be delivered to ${name}: ${reason}. They stay ${place} until they can.`),
      onRejected: (reason) =>
        warn(`Spans are rejected by ${name}: ${reason}. They are kept as dead letters.`),
    });
    this.#writer = new SpanWriter({
      ...limits,
      store,
      intake: this.#intake,
      spool: this.#spool,
      schedule,
      onSettled: () => this.#sender.notify(),
      onError,
      onOutage: (reason) =>
        warn(`Spans cannot be stored in ${store.file}: ${reason}. They stay in memory until they can.`),
    });
    process.on("exit", this.#leave);
    this.#sender.notify();
  }

  stats(): SpanOutboxStats {
    const { own, inherited, found, inheritedPending } = this.#spool;
    return {
      ended: this.#ended,
      exported: own.exported,
      pending: this.#pending - this.#abandoned,
      dropped: {
        ...own.dropped,
        disk_error: this.#writer.dropped,
        invalid: this.#intake.invalid,
        closed: this.#closed,
        shutdown: this.#abandoned,
      },
      inherited: {
        found,
        exported: inherited.exported,
        pending: inheritedPending,
        dropped: { ...inherited.dropped },
      },
      ...this.#spool.figures(),
      lastError: this.#lastError,
      attempts: this.#sender.attempts,
      nextAttemptAt: this.#sender.nextAttemptAt,
    };
  }

  get #pending(): number {
    return this.#writer.unsaved + this.#spool.pending;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) this.add(span);
  }

  /** Takes any span that has ended, such as one rebuilt from a log with the ids it had. Never throws. */
  add(span: ReadableSpan): void {
    this.#ended++;
    if (this.#shutdown === undefined) this.#writer.add(span);
    else this.#closed++;
  }

  /**
   * Resolves when every span that ended before is on disk and was delivered or rejected, or when a request
   * fails meanwhile. Holds the process until then. Never rejects.
   */
  forceFlush(): Promise<void> {
    return this.#deliver(() => this.#sender.flush());
  }

  /**
   * Writes what is in memory to disk, sends until all is delivered, a request fails or the deadline is over,
   * and leaves the rest on disk for whoever comes next; what is only in memory is given up and counted.
   * Idempotent; never rejects.
   * @param options.deadlineMs default: 1,500
   */
  shutdown({ deadlineMs = 1_500 }: { deadlineMs?: number | undefined } = {}): Promise<void> {
    this.#shutdown ??= this.#close(deadlineMs);
    return this.#shutdown;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#writer.commit(Number.POSITIVE_INFINITY);
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([this.#deliver(() => this.#sender.drain()), deadline.promise]);
    clearTimeout(timer);
    this.#leave();
  }

  async #deliver(send: () => Promise<void>): Promise<void> {
    // Our sockets and timers would let a process end that has nothing else to do.
    const hold = setInterval(NOTHING, HOLD_MS);
    try {
      await this.#intake.ready();
      await this.#writer.commitAll();
      await send();
    } finally {
      clearInterval(hold);
    }
  }

  /** At the exit of a process, too: one that ends without a shutdown loses nothing, either. */
  readonly #leave = (): void => {
    process.off("exit", this.#leave);
    this.#sender.close();
    this.#writer.close();
    if (!this.#isDurable) this.#abandoned = this.#pending;
  };
}

/** @throws INVALID_ARGUMENT */
function settingsOf(options: SpanOutboxOptions) {
  const { instanceId = crypto.randomUUID(), now = Date.now, random = Math.random } = options;
  const count = (name: CountOption, fallback: number, min: number, max?: number) =>
    requireCount(name, options[name] ?? fallback, min, max);
  return {
    store: options.store,
    holder: { instance: instanceId, ...ownProcess() },
    now,
    schedule: options.schedule ?? scheduleUnheld,
    backoff: new Backoff(options.backoff ?? {}, random),
    warn: options.onWarning ?? NOTHING,
    maxBytes: count("maxBytes", 512 * MIB, 1),
    maxDeadLetterBytes: count("maxDeadLetterBytes", 16 * MIB, 0),
    maxUnsavedSpans: count("maxUnsavedSpans", 8_192, 1),
    maxBatchSpans: count("maxBatchSpans", 512, 1),
    maxBatchBytes: count("maxBatchBytes", 4 * MIB, 1),
    batchDelayMs: count("batchDelayMs", 1_000, 0),
    commitDelayMs: count("commitDelayMs", 10, 0),
    concurrency: count("concurrency", 1, 1, 2),
  };
}
