import type { Statement, Store } from "../src/store/store.ts";
import { Account, type SpanOutboxStats } from "./span-outbox-ledger.ts";
import { OrphanWatch } from "./span-outbox-orphans.ts";
import { type Batch, type BatchLimits, SpanQueue } from "./span-outbox-queue.ts";
import { type Amount, type Chunk, type Holder, SpanTables } from "./span-outbox-tables.ts";

export interface SpoolOptions {
  store: Store;
  holder: Holder;
  /** Bounds what all processes have on disk, dead letters aside. */
  maxBytes: number;
  maxDeadLetterBytes: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** A batch that is to leave the disk: for the dead letters when there is a reason, or for what it is split into. */
interface Ending {
  readonly batch: Batch;
  readonly reason?: string | undefined;
  readonly parts?: readonly Uint8Array[] | undefined;
}

const NOTHING: Amount = { spans: 0, bytes: 0 };

/** What one transaction changes. */
interface Write {
  /** Where chunks went before: a queue that was made is gone when the transaction is. */
  readonly former: SpanQueue;
  readonly queue: SpanQueue;
  readonly chunks: Chunk[];
  readonly endings: Ending[];
  /** Queues of what was split. */
  readonly split: readonly SpanQueue[];
  readonly evicted: readonly { queue: SpanQueue; spans: number }[];
}

type Figures = Pick<SpanOutboxStats, "bytes" | "oldestAgeMs" | "deadLetters">;

/** A place in a queue of ours. */
export interface Mark {
  readonly queue: SpanQueue;
  readonly id: number;
}

/**
 * Chunks on their way through the disk. It writes inside the transactions of others, which may fail after
 * it was asked: every change stays in memory, too, until it is told how the transaction ended.
 */
export class SpanSpool {
  readonly own = new Account();
  readonly inherited = new Account();
  readonly #options: SpoolOptions;
  readonly #store: Store;
  readonly #tables: SpanTables;
  readonly #watch = new OrphanWatch();
  readonly #savepoint: { begin: Statement; release: Statement; undo: Statement };
  /** What we add to. Its row is made with its first chunk, so that an idle process leaves none. */
  #queue: SpanQueue;
  /** Those that earlier processes had left, and those of chunks that were split. */
  #others: SpanQueue[] = [];
  #found = 0;
  #sequence = 0;
  #turn = 0;
  #unsaved: Chunk[] = [];
  #endings: Ending[] = [];
  /** Made in the transaction that runs. */
  #write: Write | undefined;
  #figures: Figures = { bytes: 0, oldestAgeMs: undefined, deadLetters: NOTHING };

  constructor(options: SpoolOptions) {
    const { store, holder } = options;
    this.#options = options;
    this.#store = store;
    this.#tables = new SpanTables(store, holder);
    this.#savepoint = {
      begin: store.prepare("SAVEPOINT span_outbox"),
      release: store.prepare("RELEASE span_outbox"),
      undo: store.prepare("ROLLBACK TO span_outbox"),
    };
    this.#queue = new SpanQueue(0, this.#tables, { account: this.own });
  }

  /** Spans that are not known to be on disk. */
  get unsavedSpans(): number {
    return sizeOf(this.#unsaved).spans + sizeOf(this.#write?.chunks ?? []).spans;
  }

  /** Spans of ours on disk that are not delivered. */
  get pending(): number {
    return this.#queue.pending + this.#pendingOf(this.own);
  }

  /** Those of the queue that we add to of which no batch was made. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  get inheritedPending(): number {
    return this.#pendingOf(this.inherited);
  }

  /** Spans that earlier processes had left to us. */
  get found(): number {
    return this.#found;
  }

  /** Is there anything that `write` would write? */
  get isDirty(): boolean {
    return this.#unsaved.length > 0 || this.#endings.length > 0;
  }

  add(chunk: Chunk): void {
    this.#unsaved.push(chunk);
  }

  /** Forgets the oldest chunk that is not on disk; returns its spans, or 0 without any. */
  forgetOldest(): number {
    return this.#unsaved.shift()?.spans ?? 0;
  }

  /**
   * Writes all that is to be written into the transaction that runs, or nothing of it.
   * @throws what the store throws; nothing is lost
   */
  write(): void {
    const former = this.#queue;
    this.#savepoint.begin.run();
    try {
      this.#write = { former, ...this.#apply() };
      this.#savepoint.release.run();
      this.#unsaved = [];
      this.#endings = [];
    } catch (error) {
      this.#write = undefined;
      this.#queue = former;
      this.#undo();
      throw error;
    }
  }

  /**
   * The transaction is over; what was not kept is written again with the next one.
   * @returns whether anything of ours was kept
   */
  settle(isKept: boolean): boolean {
    if (this.#write === undefined) return false;
    const { former, queue, chunks, endings, split, evicted } = this.#write;
    this.#write = undefined;
    if (!isKept) {
      this.#queue = former;
      this.#unsaved = [...chunks, ...this.#unsaved];
      this.#endings = [...endings, ...this.#endings];
      return false;
    }
    queue.added(sizeOf(chunks).spans);
    for (const { batch } of endings) batch.queue.removed(batch);
    this.#others.push(...split);
    for (const { queue: from, spans } of evicted) from.evicted(spans);
    return true;
  }

  /** The next batch of the queues in turn; of our own only a full one, unless the rest `isDue`, too. */
  take(limits: BatchLimits, { isDue }: { isDue: boolean }): Batch | undefined {
    const queues = [this.#queue, ...this.#others];
    for (const _ of queues) {
      const queue = queues[this.#turn++ % queues.length] as SpanQueue;
      const enough = isDue || queue !== this.#queue ? 1 : limits.maxSpans;
      const batch = queue.waiting >= enough ? queue.take(limits) : undefined;
      if (batch !== undefined) return batch;
    }
    return undefined;
  }

  bodies({ first, last }: Batch): Uint8Array[] {
    return this.#tables.bodies(first, last);
  }

  /** The receiver has the batch, but for `rejected` spans of it. */
  accept(batch: Batch, rejected: number): void {
    if (!batch.queue.end(batch)) return;
    batch.queue.account.accept(batch.spans, rejected);
    this.#endings.push({ batch });
  }

  /** The receiver will never take the batch. */
  reject(batch: Batch, reason: string): void {
    if (!batch.queue.end(batch)) return;
    batch.queue.account.dropped.rejected += batch.spans;
    this.#endings.push({ batch, reason });
  }

  /**
   * The batch is to be sent again in parts, of one span each; it stays whole until they are written.
   * @returns false when others wait for that already: memory is no place for all that is on disk
   */
  split(batch: Batch, parts: readonly Uint8Array[]): boolean {
    if (this.#endings.some((ending) => ending.parts !== undefined)) return false;
    this.#endings.push({ batch, parts });
    return true;
  }

  /** Where our queue ends now. */
  mark(): Mark {
    return { queue: this.#queue, id: this.#tables.idOf(this.#queue.id, this.#sequence) };
  }

  isPast({ queue, id }: Mark): boolean {
    const isPast = ({ origin = Number.POSITIVE_INFINITY, pending }: SpanQueue) =>
      origin > id || pending === 0;
    return queue.isPast(id) && this.#others.every(isPast);
  }

  /** Shows that we are there, and takes over the queues of those who are not. @throws what the store throws */
  look(): void {
    const found = this.#store.transaction(() => {
      this.#tables.beat();
      this.#tables.dropEmptyQueues(this.#queue.id);
      const orphans = this.#watch.orphansAmong(this.#tables.othersQueues());
      return orphans.filter((row) => this.#tables.takeOver(row));
    });
    this.#others = this.#others.filter(({ isEmpty }) => !isEmpty);
    for (const { id, spans } of found) {
      this.#others.push(new SpanQueue(id, this.#tables, { account: this.inherited, spans }));
      this.#found += spans;
    }
  }

  /** Leaves what is on disk to whoever comes next. @throws what the store throws */
  release(): void {
    this.#store.transaction(() => this.#tables.giveUpQueues());
  }

  /** What the disk says, or said last. */
  figures(): Figures {
    try {
      this.#figures = this.#readFigures();
    } catch {
      // Nothing could be said of a store that is closed or broken.
    }
    return this.#figures;
  }

  #pendingOf(account: Account): number {
    return this.#others.reduce((sum, queue) => sum + (queue.account === account ? queue.pending : 0), 0);
  }

  #readFigures(): Figures {
    const times = [this.#queue, ...this.#others].map(({ id }) => this.#tables.oldest(id));
    const oldest = Math.min(...times.filter((time) => time !== undefined));
    return {
      bytes: this.#tables.totalBytes(),
      oldestAgeMs: Number.isFinite(oldest) ? Math.max(0, this.#options.now() - oldest) : undefined,
      deadLetters: this.#tables.deadLetters(),
    };
  }

  #apply(): Omit<Write, "former"> {
    const endings = this.#endings;
    const split = endings.flatMap((ending) => this.#remove(ending));
    const evicted = this.#makeRoom();
    const chunks = this.#unsaved;
    if (chunks.length > 0) this.#enter(sizeOf(chunks));
    for (const chunk of chunks) this.#tables.add(this.#queue.id, ++this.#sequence, chunk);
    return { queue: this.#queue, chunks, endings, split, evicted };
  }

  /** Enters what is added to our queue; makes one first when there is none, or not any more. */
  #enter(added: Amount): void {
    if (this.#tables.adjust(this.#queue.id, added)) return;
    this.#queue.vanish();
    this.#queue = new SpanQueue(this.#tables.openQueue(), this.#tables, { account: this.own });
    this.#tables.adjust(this.#queue.id, added);
  }

  /** Returns the queue of what a chunk was split into. */
  #remove({ batch, reason, parts }: Ending): SpanQueue[] {
    const { queue, first, last, spans, bytes } = batch;
    if (!this.#tables.adjust(queue.id, { spans: -spans, bytes: -bytes })) {
      queue.vanish();
      return [];
    }
    const { now, maxDeadLetterBytes } = this.#options;
    if (reason !== undefined) {
      this.#tables.bury(first, last, { at: now(), reason, maxBytes: maxDeadLetterBytes });
    }
    const split = parts === undefined ? [] : [this.#openSplit(batch, parts)];
    this.#tables.remove(first, last);
    return split;
  }

  /** A queue of their own keeps the parts from getting in between the chunks that come after them. */
  #openSplit({ queue, first }: Batch, parts: readonly Uint8Array[]): SpanQueue {
    const id = this.#tables.openQueue();
    const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#tables.adjust(id, { spans: parts.length, bytes });
    for (const [index, part] of parts.entries()) this.#tables.addPart(id, index + 1, part, first);
    const origin = queue.account === this.own ? first : undefined;
    return new SpanQueue(id, this.#tables, { account: queue.account, spans: parts.length, origin });
  }

  /** Removes the oldest that is ours to remove, until what is added fits. */
  #makeRoom(): Write["evicted"] {
    const added = sizeOf(this.#unsaved).bytes;
    let excess = this.#tables.totalBytes() + added - this.#options.maxBytes;
    if (excess <= 0) return [];
    const evicted = [...this.#others, this.#queue].map((queue) => {
      const { spans, bytes } = this.#evict(queue, excess);
      excess -= bytes;
      return { queue, spans };
    });
    // Others have filled the file, or a single chunk is too large for it.
    while (excess > 0 && this.#unsaved.length > 0) {
      const [{ spans, body }] = this.#unsaved.splice(0, 1) as [Chunk];
      this.own.dropped.over_limit += spans;
      excess -= body.byteLength;
    }
    return evicted;
  }

  #evict(queue: SpanQueue, wanted: number): Amount {
    if (!this.#tables.adjust(queue.id, NOTHING)) return NOTHING;
    const { spans, bytes } = queue.evict(wanted);
    this.#tables.adjust(queue.id, { spans: -spans, bytes: -bytes });
    return { spans, bytes };
  }

  #undo(): void {
    try {
      this.#savepoint.undo.run();
      this.#savepoint.release.run();
    } catch {
      // Some errors undo the whole transaction by themselves, the savepoint with it.
    }
  }
}

function sizeOf(chunks: readonly Chunk[]): Amount {
  let spans = 0;
  let bytes = 0;
  for (const chunk of chunks) {
    spans += chunk.spans;
    bytes += chunk.body.byteLength;
  }
  return { spans, bytes };
}
