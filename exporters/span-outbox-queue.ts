import type { OtlpProtocol } from "./span-otlp.ts";
import type { Account } from "./span-outbox-ledger.ts";
import type { Amount, ChunkHead, SpanTables } from "./span-outbox-tables.ts";

/** Neighbouring chunks of one queue, sent together. */
export interface Batch extends Amount {
  readonly queue: SpanQueue;
  readonly protocol: OtlpProtocol;
  readonly first: number;
  readonly last: number;
  readonly chunks: number;
}

/** What one batch may hold; one chunk it always does. */
export interface BatchLimits {
  maxSpans: number;
  maxBytes: number;
  maxChunks: number;
}

/** Chunks looked at in one go when the oldest are dropped. */
const EVICTED_AT_ONCE = 64;

/** A queue on disk that is ours, with what is known of it in memory. */
export class SpanQueue {
  readonly id: number;
  readonly account: Account;
  /** The chunk of our own that its spans were in, before that was split. */
  readonly origin: number | undefined;
  readonly #tables: SpanTables;
  /** Spans on disk that no batch was made of. */
  #waiting: number;
  /** The last chunk that a batch was made of, unless that was given back. */
  #cursor = 0;
  readonly #sending = new Set<Batch>();
  /** Done with, but maybe still on disk. */
  readonly #ended = new Set<Batch>();

  constructor(
    id: number,
    tables: SpanTables,
    { account, spans = 0, origin }: { account: Account; spans?: number; origin?: number | undefined },
  ) {
    this.id = id;
    this.account = account;
    this.origin = origin;
    this.#tables = tables;
    this.#waiting = spans;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Spans on disk that are not delivered. */
  get pending(): number {
    let pending = this.#waiting;
    for (const { spans } of this.#sending) pending += spans;
    return pending;
  }

  get isEmpty(): boolean {
    return this.pending === 0 && this.#ended.size === 0;
  }

  added(spans: number): void {
    this.#waiting += spans;
  }

  /** Makes a batch of the next chunks that share a protocol. */
  take(limits: BatchLimits): Batch | undefined {
    const taken = [...this.#sending, ...this.#ended];
    const before = Math.min(...taken.map(({ first }) => first).filter((first) => first > this.#cursor));
    const chunks = prefixWithin(limits, this.#tables.heads(this.id, this.#cursor, before, limits.maxChunks));
    const [first] = chunks;
    if (first === undefined) {
      // Nothing but what is taken already may stand between us and what waits.
      if (taken.length === 0) this.vanish();
      return undefined;
    }
    const batch = { queue: this, protocol: first.protocol, chunks: chunks.length, ...extentOf(chunks) };
    this.#sending.add(batch);
    this.#cursor = batch.last;
    this.#waiting -= batch.spans;
    return batch;
  }

  /** The batch is to be sent again. */
  giveBack(batch: Batch): void {
    if (!this.#sending.delete(batch)) return;
    this.#waiting += batch.spans;
    this.#cursor = Math.min(this.#cursor, batch.first - 1);
  }

  /** The batch is done with; false when it is not ours any more. */
  end(batch: Batch): boolean {
    if (!this.#sending.delete(batch)) return false;
    this.#ended.add(batch);
    return true;
  }

  /** The batch is off the disk: it had ended, or its spans are in another queue now. */
  removed(batch: Batch): void {
    this.#sending.delete(batch);
    this.#ended.delete(batch);
  }

  /** Is everything up to this chunk done with? */
  isPast(id: number): boolean {
    if (this.#waiting > 0 && this.#cursor < id) return false;
    return [...this.#sending].every(({ first }) => first > id);
  }

  /** Removes the oldest chunks that are not taken from disk, as many as make `bytes` or all. */
  evict(bytes: number): Amount {
    const after = Math.max(0, ...[...this.#sending].map(({ last }) => last));
    const evicted = { spans: 0, bytes: 0 };
    while (evicted.bytes < bytes) {
      const heads = this.#tables.heads(this.id, after, Number.POSITIVE_INFINITY, EVICTED_AT_ONCE);
      if (heads.length === 0) break;
      const extent = extentOf(prefixOf(bytes - evicted.bytes, heads));
      this.#tables.remove(extent.first, extent.last);
      evicted.spans += extent.spans;
      evicted.bytes += extent.bytes;
    }
    return evicted;
  }

  /** What `evict` removed stays removed. */
  evicted(spans: number): void {
    this.#waiting -= spans;
    this.account.dropped.over_limit += spans;
  }

  /** Another process has the queue now, or somebody emptied it. */
  vanish(): void {
    this.account.dropped.vanished += this.pending;
    this.#waiting = 0;
    this.#sending.clear();
    this.#ended.clear();
  }
}

function prefixWithin({ maxSpans, maxBytes }: BatchLimits, heads: ChunkHead[]): ChunkHead[] {
  let spans = 0;
  let bytes = 0;
  const end = heads.findIndex((head, index) => {
    spans += head.spans;
    bytes += head.bytes;
    return index > 0 && (spans > maxSpans || bytes > maxBytes || head.protocol !== heads[0]?.protocol);
  });
  return end < 0 ? heads : heads.slice(0, end);
}

/** As few as make `bytes`. */
function prefixOf(bytes: number, heads: ChunkHead[]): ChunkHead[] {
  let sum = 0;
  const end = heads.findIndex((head) => {
    sum += head.bytes;
    return sum >= bytes;
  });
  return end < 0 ? heads : heads.slice(0, end + 1);
}

function extentOf(chunks: ChunkHead[]): Amount & { first: number; last: number } {
  return {
    first: (chunks[0] as ChunkHead).id,
    last: (chunks.at(-1) as ChunkHead).id,
    spans: chunks.reduce((sum, { spans }) => sum + spans, 0),
    bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
