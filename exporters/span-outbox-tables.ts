import { DamageError } from "../src/store/damage.ts";
import { namesIn, namesTaken, notAsMade, requireRoom, type Schema } from "../src/store/objection.ts";
import type { ProcessIdentity } from "../src/store/process-identity.ts";
import type { SqlValue, Statement, Store } from "../src/store/store.ts";
import { resemblanceOf, tableShapes } from "../src/store/table-shape.ts";
import type { OtlpProtocol } from "./span-otlp.ts";

const DEAD_LETTER_INDEX = "span_dead_letter_size";

/**
 * Chunks of encoded spans in queues. A queue belongs to one process, its holder, which alone adds to it and
 * sends from it, so that no chunk needs a claim of its own; when the holder is gone, all of the queue is
 * taken over by changing one small row. The queue's number is the upper half of its chunks' ids.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS span_queue (
    id INTEGER PRIMARY KEY,
    holder TEXT,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_token TEXT,
    beat INTEGER NOT NULL,
    spans INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS span_chunk (
    id INTEGER PRIMARY KEY,
    protocol TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    spans INTEGER NOT NULL,
    body BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS span_dead_letter (
    id INTEGER PRIMARY KEY,
    died_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    protocol TEXT NOT NULL,
    spans INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS ${DEAD_LETTER_INDEX} ON span_dead_letter (bytes, spans);
`;

const SHAPES = tableShapes(SCHEMA);
const NAMES = SHAPES.map(({ name }) => name);

/** 2^32 chunks in each of 2^21 queues fill the integers that JavaScript has. */
const IDS_PER_QUEUE = 2 ** 32;

/** An outbox, and the process that it is in. */
export interface Holder extends ProcessIdentity {
  /** Unique for each outbox. */
  readonly instance: string;
}

/** Spans encoded together. */
export interface Chunk {
  readonly protocol: OtlpProtocol;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
  readonly spans: number;
  readonly body: Uint8Array;
}

/** A chunk on disk, without its body. */
export interface ChunkHead {
  readonly id: number;
  readonly protocol: OtlpProtocol;
  readonly spans: number;
  readonly bytes: number;
}

/** A queue of somebody else. */
export interface QueueRow extends ProcessIdentity {
  readonly id: number;
  /** Null once it was given up. */
  readonly holder: string | null;
  /** Grows as long as the holder is there. */
  readonly beat: number;
  readonly spans: number;
}

export interface Amount {
  readonly spans: number;
  readonly bytes: number;
}

/**
 * Why a database has no room for spans: another program uses our names in it. Undefined when there is room.
 * @throws DamageError when it is ours, and not as we made it
 */
export function objectionTo(schema: Schema): string | undefined {
  const found = namesIn(schema, NAMES);
  const { isOurs, harmed } = resemblanceOf(schema, SHAPES);
  if (found.length === 0 || harmed === undefined) return undefined;
  if (!isOurs) return namesTaken(found);
  throw new DamageError(notAsMade(harmed));
}

/** Makes the tables when they are missing. @throws INVALID_CONFIG for those of another program, or damaged ones */
function createTables(store: Store): void {
  requireRoom(store, objectionTo);
  // Asked first, as a file that is locked or full may have them.
  const names = [...NAMES, DEAD_LETTER_INDEX];
  if (namesIn(store, names).length < names.length) store.transaction(() => store.exec(SCHEMA));
}

/** The SQL of the outbox. Every method throws what the store throws, and so does the constructor. */
export class SpanTables {
  readonly #holder: Holder;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(store: Store, holder: Holder) {
    this.#holder = holder;
    createTables(store);
    this.#statements = prepare(store);
  }

  /** Makes a queue of our own; returns its number. */
  openQueue(): number {
    const { instance, host, pid, startToken } = this.#holder;
    return this.#statements.openQueue.run(instance, host, pid, startToken).lastInsertRowid;
  }

  /** Enters what was added to a queue or, negative, removed, and beats; false when it is not ours any more. */
  adjust(queue: number, { spans, bytes }: Amount): boolean {
    return this.#statements.adjust.run(spans, bytes, queue, this.#holder.instance).changes > 0;
  }

  /** Shows others that we are still there. */
  beat(): void {
    this.#statements.beatAll.run(this.#holder.instance);
  }

  idOf(queue: number, sequence: number): number {
    return queue * IDS_PER_QUEUE + sequence;
  }

  add(queue: number, sequence: number, { protocol, madeAt, spans, body }: Chunk): void {
    this.#statements.add.run(this.idOf(queue, sequence), protocol, madeAt, spans, body);
  }

  /** Adds one span of a chunk that is there. */
  addPart(queue: number, sequence: number, body: Uint8Array, chunk: number): void {
    this.#statements.addPart.run(this.idOf(queue, sequence), body, chunk);
  }

  remove(first: number, last: number): void {
    this.#statements.remove.run(first, last);
  }

  /** The next chunks of a queue between two ids, neither included, in order. */
  heads(queue: number, after: number, before: number, limit: number): ChunkHead[] {
    const from = Math.max(after, queue * IDS_PER_QUEUE);
    const to = Math.min(before, (queue + 1) * IDS_PER_QUEUE);
    return this.#statements.heads.all(from, to, limit) as unknown as ChunkHead[];
  }

  bodies(first: number, last: number): Uint8Array[] {
    return this.#statements.bodies.all(first, last).map(({ body }) => body as Uint8Array);
  }

  /** When the oldest chunk of a queue was made. */
  oldest(queue: number): number | undefined {
    const range = [queue * IDS_PER_QUEUE, (queue + 1) * IDS_PER_QUEUE] as const;
    return this.#statements.oldest.get(...range)?.made_at as number | undefined;
  }

  /** Of everybody's chunks. */
  totalBytes(): number {
    return countOf(this.#statements.totalBytes.get()?.bytes);
  }

  othersQueues(): QueueRow[] {
    return this.#statements.others.all(this.#holder.instance) as unknown as QueueRow[];
  }

  /** Makes the queue ours, unless somebody was quicker. */
  takeOver({ id, beat }: QueueRow): boolean {
    const { instance, host, pid, startToken } = this.#holder;
    return this.#statements.takeOver.run(instance, host, pid, startToken, id, beat).changes > 0;
  }

  /** Removes our queues that are empty, but for one. */
  dropEmptyQueues(except: number): void {
    this.#statements.dropEmpty.run(this.#holder.instance, except);
  }

  /** Lets anybody take over what we leave. */
  giveUpQueues(): void {
    this.#statements.dropEmpty.run(this.#holder.instance, 0);
    this.#statements.giveUp.run(this.#holder.instance);
  }

  /** Copies chunks to the dead letters, of which the oldest are removed when they become too many. */
  bury(first: number, last: number, death: { at: number; reason: string; maxBytes: number }): void {
    this.#statements.bury.run(death.at, death.reason, first, last);
    // By more than is needed, so that it is not needed each time.
    if (this.deadLetters().bytes > death.maxBytes) this.#statements.exhume.run(death.maxBytes * 0.9);
  }

  deadLetters(): Amount {
    const row = this.#statements.deadLetters.get();
    return { spans: countOf(row?.spans), bytes: countOf(row?.bytes) };
  }
}

function countOf(sum: SqlValue | undefined): number {
  return (sum as number | null | undefined) ?? 0;
}

function prepare(store: Store) {
  const prepared = <const K extends string>(sql: Record<K, string>) =>
    Object.fromEntries(
      Object.entries<string>(sql).map(([name, text]) => [name, store.prepare(text)]),
    ) as Record<K, Statement>;
  return prepared({
    // Past the chunks, too, should any be without their queue.
    openQueue: `INSERT INTO span_queue (id, holder, host, pid, start_token, beat, spans, bytes)
      SELECT 1 + max(coalesce((SELECT max(id) FROM span_queue), 0),
        coalesce((SELECT max(id) >> 32 FROM span_chunk), 0)), ?, ?, ?, ?, 0, 0, 0`,
    adjust: `UPDATE span_queue SET beat = beat + 1, spans = spans + ?, bytes = bytes + ?
      WHERE id = ? AND holder = ?`,
    beatAll: "UPDATE span_queue SET beat = beat + 1 WHERE holder = ?",
    add: "INSERT INTO span_chunk (id, protocol, made_at, spans, body) VALUES (?, ?, ?, ?, ?)",
    addPart: `INSERT INTO span_chunk (id, protocol, made_at, spans, body)
      SELECT ?, protocol, made_at, 1, ? FROM span_chunk WHERE id = ?`,
    remove: "DELETE FROM span_chunk WHERE id BETWEEN ? AND ?",
    heads: `SELECT id, protocol, spans, length(body) AS bytes FROM span_chunk
      WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
    bodies: "SELECT body FROM span_chunk WHERE id BETWEEN ? AND ? ORDER BY id",
    oldest: "SELECT made_at FROM span_chunk WHERE id > ? AND id < ? ORDER BY id LIMIT 1",
    totalBytes: "SELECT sum(bytes) AS bytes FROM span_queue",
    others: `SELECT id, holder, host, pid, start_token AS startToken, beat, spans FROM span_queue
      WHERE holder IS NOT ?`,
    takeOver: `UPDATE span_queue SET holder = ?, host = ?, pid = ?, start_token = ?, beat = beat + 1
      WHERE id = ? AND beat = ?`,
    dropEmpty: "DELETE FROM span_queue WHERE holder = ? AND spans <= 0 AND id <> ?",
    giveUp: "UPDATE span_queue SET holder = NULL, beat = beat + 1 WHERE holder = ?",
    bury: `INSERT INTO span_dead_letter (died_at, reason, protocol, spans, bytes, body)
      SELECT ?, ?, protocol, spans, length(body), body FROM span_chunk WHERE id BETWEEN ? AND ?`,
    exhume: `DELETE FROM span_dead_letter WHERE id IN (
      SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY id DESC) AS kept FROM span_dead_letter)
      WHERE kept > ?)`,
    deadLetters: "SELECT sum(spans) AS spans, sum(bytes) AS bytes FROM span_dead_letter",
  });
}
