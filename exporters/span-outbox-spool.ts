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

/** A batch that is to leave the disk, for the dead letters when there is a reason. */
interface Ending {
  readonly batch: Batch;
  readonly reason: string | undefined;
}

const NOTHING: Amount = { spans: 0, bytes: 0 };

/** What one transaction changes. */
interface Write {
  readonly queue: SpanQueue;
  readonly chunks: Chunk[];
  readonly endings: Ending[];
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
  #inherited: SpanQueue[] = [];
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
    this.#queue = new SpanQueue(0, this.#tables, this.own);
  }

  /** Spans that are not known to be on disk. */
  get unsavedSpans(): number {
    return sizeOf(this.#unsaved).spans + sizeOf(this.#write?.chunks ?? []).spans;
  }

  /** Spans of ours on disk that are not delivered. */
  get pending(): number {
    return this.#queue.pending;
  }

  /** Those of them that no batch was made of. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  get inheritedPending(): number {
    return this.#inherited.reduce((sum, { pending }) => sum + pending, 0);
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
    this.#savepoint.begin.run();
    try {
      this.#write = this.#apply();
      this.#savepoint.release.run();
      this.#unsaved = [];
      this.#endings = [];
    } catch (error) {
      this.#write = undefined;
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
    const { queue, chunks, endings, evicted } = this.#write;
    this.#write = undefined;
    if (!isKept) {
      this.#unsaved = [...chunks, ...this.#unsaved];
      this.#endings = [...endings, ...this.#endings];
      return false;
    }
    queue.added(sizeOf(chunks).spans);
    for (const { batch } of endings) batch.queue.removed(batch);
    for (const { queue: from, spans } of evicted) from.evicted(spans);
    return true;
  }

  /** The next batch of the queues in turn; of our own only a full one, unless the rest `isDue`, too. */
  take(limits: BatchLimits, { isDue }: { isDue: boolean }): Batch | undefined {
    const queues = [this.#queue, ...this.#inherited];
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
    this.#endings.push({ batch, reason: undefined });
  }

  /** The receiver will never take the batch. */
  reject(batch: Batch, reason: string): void {
    if (!batch.queue.end(batch)) return;
    batch.queue.account.dropped.rejected += batch.spans;
    this.#endings.push({ batch, reason });
  }

  /** Where our queue ends now. */
  mark(): Mark {
    return { queue: this.#queue, id: this.#tables.idOf(this.#queue.id, this.#sequence) };
  }

  isPast({ queue, id }: Mark): boolean {
    return queue.isPast(id);
  }

  /** Shows that we are there, and takes over the queues of those who are not. @throws what the store throws */
  look(): void {
    const found = this.#store.transaction(() => {
      this.#tables.beat();
      this.#tables.dropEmptyQueues(this.#queue.id);
      const orphans = this.#watch.orphansAmong(this.#tables.othersQueues());
      return orphans.filter((row) => this.#tables.takeOver(row));
    });
    this.#inherited = this.#inherited.filter(({ isEmpty }) => !isEmpty);
    for (const { id, spans } of found) {
      this.#inherited.push(new SpanQueue(id, this.#tables, this.inherited, spans));
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

  #readFigures(): Figures {
    const times = [this.#queue, ...this.#inherited].map(({ id }) => this.#tables.oldest(id));
    const oldest = Math.min(...times.filter((time) => time !== undefined));
    return {
      bytes: this.#tables.totalBytes(),
      oldestAgeMs: Number.isFinite(oldest) ? Math.max(0, this.#options.now() - oldest) : undefined,
      deadLetters: this.#tables.deadLetters(),
    };
  }

  #apply(): Write {
    const endings = this.#endings;
    for (const ending of endings) this.#remove(ending);
    const evicted = this.#makeRoom();
    const chunks = this.#unsaved;
    if (chunks.length > 0) this.#enter(sizeOf(chunks));
    for (const chunk of chunks) this.#tables.add(this.#queue.id, ++this.#sequence, chunk);
    return { queue: this.#queue, chunks, endings, evicted };
  }

  /** Enters what is added to our queue; makes one first when there is none, or not any more. */
  #enter(added: Amount): void {
    if (this.#tables.adjust(this.#queue.id, added)) return;
    this.#queue.vanish();
    this.#queue = new SpanQueue(this.#tables.openQueue(), this.#tables, this.own);
    this.#tables.adjust(this.#queue.id, added);
  }

  #remove({ batch, reason }: Ending): void {
    const { queue, first, last, spans, bytes } = batch;
    if (!this.#tables.adjust(queue.id, { spans: -spans, bytes: -bytes })) {
      queue.vanish();
      return;
    }
    const { now, maxDeadLetterBytes } = this.#options;
    if (reason !== undefined) {
      this.#tables.bury(first, last, { at: now(), reason, maxBytes: maxDeadLetterBytes });
    }
    this.#tables.remove(first, last);
  }

  /** Removes the oldest that is ours to remove, until what is added fits. */
  #makeRoom(): Write["evicted"] {
    const added = sizeOf(this.#unsaved).bytes;
    let excess = this.#tables.totalBytes() + added - this.#options.maxBytes;
    if (excess <= 0) return [];
    const evicted = [...this.#inherited, this.#queue].map((queue) => {
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
