import type { SqlValue, Statement, Store } from "../store/store.ts";
import {
  type EventTable,
  eventIn,
  type NewEvent,
  type Position,
  STORED_EVENT,
  type StoredEvent,
} from "./sqlite-events.ts";
import { EventIds, type IndexedIds, keyOf } from "./sqlite-ids.ts";
import { type Demand, Subjects } from "./sqlite-subjects.ts";

/** Events per block. Smaller blocks make reads of one job cheaper, and writing dearer. */
const BLOCK_EVENTS = 256;
/** Blocks looked through by one search, about a millisecond's worth. */
const MAX_SEARCHED = 4_096;

/** A run of events: those after one sequence and up to another. */
export interface Span {
  after: number;
  last: number;
}

/** The end of a block. */
interface Block extends IndexedIds {
  ordinal: number;
}

/**
 * The index of the log. An entry per event and subject would cost more than the event itself, as ids are
 * random and each dirties another page; so one entry, appended at the end, covers a block of events.
 * The newest events lie in no block yet.
 */
export class EventBlocks {
  readonly #store: Store;
  readonly #events: EventTable;
  readonly #ids: EventIds;
  readonly #newest: Statement;
  readonly #insert: Statement;
  readonly #horizon: Statement;
  readonly #evict: Statement;
  /** Of searches, by their text. */
  readonly #statements = new Map<string, Statement>();
  /** The subjects of all events after `#from` and up to `#to`; ids are known from the last block on. */
  readonly #subjects = new Subjects();
  #from = 0;
  #to: Position | undefined;
  /** The last block, as far as we know; there may be later ones of other processes. */
  #covered: Block = { last: 0, ordinal: 0, maxTime: -1 };

  constructor(store: Store, events: EventTable) {
    this.#store = store;
    this.#events = events;
    this.#ids = new EventIds(store);
    this.#newest = store.prepare(
      "SELECT last, ordinal, max_time AS maxTime FROM event_blocks ORDER BY last DESC LIMIT 1",
    );
    this.#insert = store.prepare(
      "INSERT INTO event_blocks (last, after, ordinal, max_time, subjects) VALUES (?, ?, ?, ?, ?)",
    );
    this.#horizon = store.prepare(
      `SELECT max(last) AS last FROM (SELECT last FROM event_blocks WHERE last > ? ORDER BY last LIMIT ${MAX_SEARCHED})`,
    );
    this.#evict = store.prepare("DELETE FROM event_blocks WHERE last < ?");
  }

  /** Learns what others wrote up to `end`; before anything is written behind it. */
  learn(end: Position): void {
    const to = this.#to;
    if (to?.sequence === end.sequence) return;
    if (to === undefined || end.ordinal - to.ordinal > BLOCK_EVENTS) {
      this.#covered = this.#lastBlock();
      this.#ids.reset(this.#covered, end.sequence);
    } else {
      this.#ids.load(to.sequence, end.sequence);
    }
    this.#subjects.clear();
    this.#from = end.sequence;
    this.#to = end;
  }

  /** Whether no event of this id is held; takes note of it then. */
  isNew(id: string): boolean {
    return this.#ids.add(keyOf(id));
  }

  /** Takes note of events just written, up to `end`. */
  add(events: readonly NewEvent[], end: Position): void {
    for (const { event } of events) this.#subjects.add(event);
    this.#to = end;
    if (end.ordinal - this.#covered.ordinal < BLOCK_EVENTS) return;
    const newest = this.#lastBlock();
    if (newest.last !== this.#covered.last) {
      this.#covered = newest;
      this.#ids.reset(newest, end.sequence);
    }
    if (end.ordinal - newest.ordinal >= BLOCK_EVENTS) this.#close(end);
  }

  /** What was noted was not kept. */
  forget(): void {
    this.#to = undefined;
  }

  /** Removes the blocks of events before `oldest`. */
  evict(oldest: number): void {
    this.#evict.run(oldest);
    // Some of the recent ids are gone then.
    if (oldest - 1 > this.#covered.last) this.forget();
  }

  /** How far the blocks reach after a sequence, as far as one search goes; undefined without any. */
  horizon(after: number): number | undefined {
    return (this.#horizon.get(after)?.last as number | null) ?? undefined;
  }

  /** The blocks after one sequence and up to another that may hold what is asked for. */
  search(demands: readonly Demand[], { after, last }: Span, limit: number): Span[] {
    const { sql, values } = conditions("subjects", demands, "hashes");
    const select = `SELECT after, last FROM event_blocks WHERE last > ? AND last <= ?${sql} ORDER BY last LIMIT ?`;
    return this.#statement(select).all(after, last, ...values, limit) as unknown as Span[];
  }

  /** Reads events of a span whose JSON holds what is asked for: a superset of those that pass the filter. */
  select(demands: readonly Demand[]): (span: Span, limit: number) => StoredEvent[] {
    const { sql, values } = conditions("json", demands, "texts");
    const statement = this.#statement(
      `SELECT ${STORED_EVENT} FROM events WHERE sequence > ? AND sequence <= ?${sql} ORDER BY sequence LIMIT ?`,
    );
    return ({ after, last }, limit) =>
      statement.all(after, last, ...values, limit) as unknown as StoredEvent[];
  }

  #statement(sql: string): Statement {
    const statement = this.#statements.get(sql) ?? this.#store.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #close(end: Position): void {
    const { last: after } = this.#covered;
    const subjects = this.#from <= after ? this.#subjects : this.#subjectsOf({ after, last: end.sequence });
    const indexed = this.#ids.index(end.sequence);
    this.#insert.run(end.sequence, after, end.ordinal, indexed.maxTime, subjects.encode());
    this.#subjects.clear();
    this.#from = end.sequence;
    this.#covered = { ...indexed, ordinal: end.ordinal };
  }

  #lastBlock(): Block {
    const block = this.#newest.get() as Block | undefined;
    if (block !== undefined) return block;
    const oldest = this.#events.oldest();
    return oldest === undefined
      ? { last: 0, ordinal: 0, maxTime: -1 }
      : { last: oldest.sequence - 1, ordinal: oldest.ordinal - 1, maxTime: -1 };
  }

  /** For what other processes wrote, or this one before it was started again. */
  #subjectsOf({ after, last }: Span): Subjects {
    const subjects = new Subjects();
    for (const row of this.#events.between(after, last, -1)) {
      const event = eventIn(row);
      if (event !== undefined) subjects.add(event);
    }
    return subjects;
  }
}

function conditions(column: string, demands: readonly Demand[], kind: keyof Demand) {
  const values: SqlValue[] = [];
  let sql = "";
  for (const demand of demands) {
    const needles = demand[kind];
    sql += ` AND (${needles.map(() => `instr(${column}, ?)`).join(" OR ")})`;
    values.push(...needles);
  }
  return { sql, values };
}
