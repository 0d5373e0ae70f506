import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { OtlpProtocol } from "./span-otlp.ts";
import type { SpanCodec } from "./span-outbox-codec.ts";
import type { Chunk } from "./span-outbox-tables.ts";

/** Spans encoded together: few enough to fail or to be refused together, enough to share a resource. */
export const CHUNK_SPANS = 64;
/** What they may come to, about; of a single span, whatever it is. Well below what proxies let through. */
const CHUNK_BYTES = 256 * 1024;

export interface IntakeOptions {
  protocol: OtlpProtocol;
  codec: SpanCodec;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called when spans that were held back may be encoded. */
  onReady: () => void;
}

/** Ended spans in memory, until they are encoded. */
export class SpanIntake {
  readonly #options: IntakeOptions;
  #waiting: ReadableSpan[] = [];
  /** Those of a resource that is still being detected; it is soon, and the same for all. */
  readonly #held = new Map<ReadableSpan, PromiseWithResolvers<void>>();
  /** How many spans of the size that the last ones had fill a chunk. */
  #chunkSpans = CHUNK_SPANS;
  #invalid = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length + this.#held.size;
  }

  /** Spans that may be encoded. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Spans that OTLP cannot express. */
  get invalid(): number {
    return this.#invalid;
  }

  add(span: ReadableSpan): void {
    const { resource } = span;
    if (resource.asyncAttributesPending && resource.waitForAsyncAttributes !== undefined) {
      this.#held.set(span, Promise.withResolvers());
      void resource.waitForAsyncAttributes().then(() => this.#release(span));
    } else {
      this.#waiting.push(span);
    }
  }

  /** Resolves when no span is held back that was added before. */
  async ready(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ promise }) => promise));
  }

  /** Does without what the resources of spans held back still lack. */
  hurry(): void {
    for (const span of [...this.#held.keys()]) this.#release(span);
  }

  /** Forgets the oldest span; returns how many that were: 1, or 0 without any. */
  forgetOldest(): number {
    if (this.#waiting.length === 0) this.hurry();
    return this.#waiting.shift() === undefined ? 0 : 1;
  }

  /** Encodes the oldest spans, as many chunks as begin within `maxSpans`. */
  encode(maxSpans: number): Chunk[] {
    const chunks: Chunk[] = [];
    for (let left = maxSpans; left > 0 && this.#waiting.length > 0; ) {
      const spans = this.#waiting.splice(0, this.#chunkSpans);
      left -= spans.length;
      chunks.push(...this.#encode(spans));
    }
    return chunks;
  }

  #encode(spans: ReadableSpan[]): Chunk[] {
    const { protocol, codec, now } = this.#options;
    try {
      const body = codec.encode(spans);
      this.#chunkSpans = fitting(spans.length, body.byteLength);
      if (this.#chunkSpans >= spans.length) {
        return [{ protocol, madeAt: now(), spans: spans.length, body }];
      }
    } catch {
      // One of them is no span, or a part of it throws; the others are not to suffer for it.
      if (spans.length === 1) {
        this.#invalid++;
        return [];
      }
      this.#chunkSpans = 1;
    }
    return inGroupsOf(this.#chunkSpans, spans).flatMap((group) => this.#encode(group));
  }

  #release(span: ReadableSpan): void {
    const held = this.#held.get(span);
    if (held === undefined) return;
    this.#held.delete(span);
    this.#waiting.push(span);
    this.#options.onReady();
    held.resolve();
  }
}

/** How many spans fill a chunk when so many make so many bytes. */
function fitting(spans: number, bytes: number): number {
  return Math.min(CHUNK_SPANS, Math.max(1, Math.floor((spans * CHUNK_BYTES) / bytes)));
}

function inGroupsOf<T>(size: number, items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
