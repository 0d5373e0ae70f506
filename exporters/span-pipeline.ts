import { TraceFlags } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import { requireCount } from "./span-limit.ts";

/** The loss ledger of spans: ended = exported + pending + the sum of dropped. Sampled-out spans are in none. */
export interface SpanExportStats {
  ended: number;
  /** Taken by the receiver. */
  exported: number;
  /** Waiting for their batch, or on their way. */
  pending: number;
  dropped: {
    /** Ended while `maxQueueSize` were pending. */
    queue_full: number;
    /** The exporter gave up on them. */
    export_failed: number;
    /** Not delivered within the shutdown deadline. */
    shutdown: number;
    /** Ended after the shutdown. */
    closed: number;
  };
  /** What the last failed export failed with. */
  lastError: string | undefined;
}

export interface SpanPipelineOptions {
  exporter: SpanExporter;
  /** Names the receiver in warnings. Default: `the exporter`. */
  target?: string | undefined;
  /**
   * Told once when spans can no longer be delivered, and again only after it had worked in between.
   * Default: it is only counted.
   */
  onWarning?: ((message: string) => void) | undefined;
  /** Spans that may be pending, those on their way included; newer ones are dropped. Default: 8,192. */
  maxQueueSize?: number | undefined;
  /** Spans in one request. Default: 512. */
  maxBatchSize?: number | undefined;
  /** How long a span waits for others to share its request with. Default: 1,000. */
  batchDelayMs?: number | undefined;
}

export interface ShutdownOptions {
  /** What is not delivered after this time is dropped and counted. Default: 1,500. */
  deadlineMs?: number | undefined;
}

/** Spans handed to the exporter, until it answers or we stop waiting. */
interface Batch {
  readonly size: number;
  readonly settled: Promise<void>;
  settle(): void;
}

/**
 * The SDK's batch processor with its books kept: every span that ends is exported, pending or dropped
 * for a reason. Failures are told of here, once, and kept from the SDK, which would repeat each of them.
 * Works in any provider, a NodeSDK's included: pass it in `spanProcessors`.
 */
export class SpanPipeline implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #target: string;
  readonly #onWarning: (message: string) => void;
  readonly #maxQueueSize: number;
  readonly #batches: BatchSpanProcessor;
  readonly #inFlight = new Set<Batch>();
  readonly #dropped = { queue_full: 0, export_failed: 0, shutdown: 0, closed: 0 };
  #ended = 0;
  #exported = 0;
  #pending = 0;
  #lastError: string | undefined;
  #failing = false;
  #abandoned = false;
  #shutdown: Promise<void> | undefined;

  constructor(options: SpanPipelineOptions) {
    this.#exporter = options.exporter;
    this.#target = options.target ?? "the exporter";
    this.#onWarning = options.onWarning ?? (() => {});
    this.#maxQueueSize = requireCount("maxQueueSize", options.maxQueueSize ?? 8_192, 1);
    const maxBatchSize = requireCount("maxBatchSize", options.maxBatchSize ?? 512, 1);
    this.#batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => this.#export(spans, () => done({ code: ExportResultCode.SUCCESS })),
        shutdown: () => this.#exporter.shutdown(),
      },
      maxQueueSize: this.#maxQueueSize,
      maxExportBatchSize: Math.min(maxBatchSize, this.#maxQueueSize),
      scheduledDelayMillis: options.batchDelayMs ?? 1_000,
    });
  }

  stats(): SpanExportStats {
    return {
      ended: this.#ended,
      exported: this.#exported,
      pending: this.#pending,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
    };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.#ended++;
    if (this.#shutdown !== undefined) {
      this.#dropped.closed++;
    } else if (this.#pending >= this.#maxQueueSize) {
      this.#dropped.queue_full++;
    } else {
      this.#pending++;
      this.#batches.onEnd(span);
    }
  }

  /** Resolves when every span that ended before has been delivered or dropped; never rejects. */
  async forceFlush(): Promise<void> {
    await quietly(this.#batches.forceFlush());
    // The processor does not wait for a batch that was on its way already.
    await Promise.all([...this.#inFlight].map(({ settled }) => settled));
  }

  /** Flushes, then closes the exporter, within a deadline. Idempotent; never rejects. */
  shutdown({ deadlineMs = 1_500 }: ShutdownOptions = {}): Promise<void> {
    this.#shutdown ??= this.#close(deadlineMs);
    return this.#shutdown;
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = Promise.withResolvers<void>();
    // Not unref'ed: a process that ends by itself must get to see what was dropped.
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([this.#finish(), deadline.promise]);
    clearTimeout(timer);
    this.#abandon();
  }

  async #finish(): Promise<void> {
    await this.forceFlush();
    await quietly(this.#batches.shutdown());
  }

  #export(spans: ReadableSpan[], done: () => void): void {
    if (this.#abandoned) {
      done();
      return;
    }
    const batch = this.#send(spans.length, done);
    try {
      this.#exporter.export(spans, (result) => this.#answered(batch, result));
    } catch (error) {
      this.#answered(batch, { code: ExportResultCode.FAILED, error: error as Error });
    }
  }

  #send(size: number, done: () => void): Batch {
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const settle = () => {
      done();
      resolve();
    };
    const batch: Batch = { size, settled, settle };
    this.#inFlight.add(batch);
    return batch;
  }

  #answered(batch: Batch, result: ExportResult): void {
    // An answer to what was given up on, or a second one, comes too late to count.
    if (!this.#inFlight.delete(batch)) return;
    this.#pending -= batch.size;
    if (result.code === ExportResultCode.SUCCESS) {
      this.#exported += batch.size;
      this.#failing = false;
    } else {
      this.#dropped.export_failed += batch.size;
      this.#failed(messageOf(result.error));
    }
    batch.settle();
  }

  #abandon(): void {
    this.#abandoned = true;
    if (this.#pending === 0) return;
    this.#dropped.shutdown += this.#pending;
    this.#pending = 0;
    this.#failed("no answer within the shutdown deadline");
    const batches = [...this.#inFlight];
    this.#inFlight.clear();
    for (const batch of batches) batch.settle();
  }

  #failed(reason: string): void {
    this.#lastError = reason;
    if (this.#failing) return;
    this.#failing = true;
    try {
      this.#onWarning(
        `Spans cannot be delivered to ${this.#target}: ${reason}. They are dropped and counted.`,
      );
    } catch {
      // Whoever is told may fail; the spans go on.
    }
  }
}

async function quietly(promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch {
    // The SDK's own failures are in the ledger already.
  }
}

/** Connection errors to several addresses come as one error without a message of its own. */
function messageOf(error: Error | undefined): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return error?.message || code || "unknown error";
}
