import type { OrchestratorEvent } from "../event/event.ts";
import type { UnplacedEvent } from "../event/event-log.ts";
import type { Statement, Store } from "../store/store.ts";

/** A place in the file: where the next event goes, or where an event lies. */
export interface Position {
  sequence: number;
  /** Events up to here, from the beginning of the file. */
  ordinal: number;
  /** Bytes up to here, from the beginning of the file. */
  bytes: number;
}

export interface StoredEvent {
  sequence: number;
  json: string;
}

/** The oldest event held: what lies before it is gone. */
export interface Oldest {
  sequence: number;
  ordinal: number;
  /** Bytes before it, from the beginning of the file. */
  start: number;
  appendedAt: number;
}

/** An event to be written; without a sequence it gets the next one. */
export type NewEvent = UnplacedEvent & { sequence?: number };

const ORIGIN: Position = { sequence: 0, ordinal: 0, bytes: 0 };
/** About what a row takes beside its JSON: the id twice, the numbers, and its share of the pages. */
const ROW_BYTES = 150;
/** Rows per statement: each call into SQLite costs as much as a small row. */
const MAX_ROWS = 64;
const ROW = "(?, ?, ?, ?, ?, ?)";

/** The table of events. Nothing here opens a transaction. */
export class EventTable {
  readonly #store: Store;
  readonly #last: Statement;
  readonly #oldest: Statement;
  readonly #has: Statement;
  readonly #holds: Statement;
  readonly #after: Statement;
  readonly #undo: Statement;
  readonly #evict: Statement;
  /** For when the file is beyond reading. */
  lastKnownEnd = 0;
  /** By the number of rows they insert. */
  readonly #inserts: Statement[] = [];

  constructor(store: Store) {
    this.#store = store;
    this.#last = store.prepare(
      `SELECT sequence, ordinal, start + octet_length(json) + ${ROW_BYTES} AS bytes
       FROM events ORDER BY sequence DESC LIMIT 1`,
    );
    this.#oldest = store.prepare(
      `SELECT sequence, ordinal, start, appended_at AS appendedAt FROM events ORDER BY sequence LIMIT 1`,
    );
    this.#has = store.prepare("SELECT 1 FROM events WHERE sequence = ?");
    this.#holds = store.prepare("SELECT 1 FROM events WHERE id = ?");
    this.#after = store.prepare(
      "SELECT sequence, json FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
    );
    this.#undo = store.prepare("DELETE FROM events WHERE sequence > ?");
    this.#evict = store.prepare(
      `DELETE FROM events WHERE sequence <= (
         SELECT max(sequence) FROM (
           SELECT sequence, ordinal, start, appended_at FROM events
           WHERE sequence < ? ORDER BY sequence LIMIT ?
         ) WHERE ordinal <= ? OR start < ? OR appended_at < ?
       )`,
    );
  }

  /** Where the log ends. */
  end(): Position {
    const end = (this.#last.get() as Position | undefined) ?? ORIGIN;
    this.lastKnownEnd = end.sequence;
    return end;
  }

  oldest(): Oldest | undefined {
    return this.#oldest.get() as Oldest | undefined;
  }

  has(sequence: number): boolean {
    return this.#has.get(sequence) !== undefined;
  }

  holds(id: string): boolean {
    return this.#holds.get(keyOf(id)) !== undefined;
  }

  /** At most `limit` events after one sequence and up to another. */
  between(after: number, last: number, limit: number): StoredEvent[] {
    return this.#after.all(after, last, limit) as unknown as StoredEvent[];
  }

  /**
   * Appends events after `end`, those aside whose id is held already. Returns what was appended, with
   * sequences, and the new end.
   */
  insert(
    events: readonly NewEvent[],
    end: Position,
    appendedAt: number,
  ): { placed: (number | undefined)[]; end: Position } {
    const first = this.#insertAll(events, end, appendedAt);
    if (first.complete) return first;
    // Seldom: something is delivered again. Which of them cannot be told from the count alone.
    this.#undo.run(end.sequence);
    const ids = new Set<string>();
    const isNew = events.map(
      ({ event: { id } }) => !ids.has(id) && !this.holds(id) && ids.add(id) !== undefined,
    );
    const fresh = this.#insertAll(
      events.filter((_, index) => isNew[index]),
      end,
      appendedAt,
    );
    let next = 0;
    return { placed: isNew.map((placed) => (placed ? fresh.placed[next++] : undefined)), end: fresh.end };
  }

  /** Removes the oldest of at most `limit` events that one of the bounds excludes; never the newest. */
  evict(newest: number, limit: number, bounds: { ordinal: number; start: number; appendedAt: number }): void {
    this.#evict.run(newest, limit, bounds.ordinal, bounds.start, bounds.appendedAt);
  }

  #insertAll(events: readonly NewEvent[], end: Position, appendedAt: number) {
    const placed: number[] = [];
    let { sequence, ordinal, bytes } = end;
    let inserted = 0;
    for (let from = 0; from < events.length; from += MAX_ROWS) {
      const values: (string | number)[] = [];
      const rows = events.slice(from, from + MAX_ROWS);
      for (const row of rows) {
        sequence = row.sequence ?? sequence + 1;
        placed.push(sequence);
        values.push(sequence, keyOf(row.event.id), ++ordinal, bytes, appendedAt, row.json);
        bytes += Buffer.byteLength(row.json) + ROW_BYTES;
      }
      inserted += this.#insertOf(rows.length).run(...values).changes;
    }
    return { placed, end: { sequence, ordinal, bytes }, complete: inserted === events.length };
  }

  #insertOf(rows: number): Statement {
    this.#inserts[rows] ??= this.#store.prepare(
      `INSERT INTO events (sequence, id, ordinal, start, appended_at, json)
       VALUES ${Array(rows).fill(ROW).join(", ")} ON CONFLICT DO NOTHING`,
    );
    return this.#inserts[rows];
  }
}

/** Text that is not well-formed Unicode would be changed in the file, and two ids could become one. */
function keyOf(id: string): string {
  return id.isWellFormed() ? id : JSON.stringify(id);
}

/** Undefined for what is not an event: the file was written to by something else, or it is damaged. */
export function parseEvent(json: string): OrchestratorEvent | undefined {
  try {
    const event: unknown = JSON.parse(json);
    return typeof event === "object" && event !== null ? (event as OrchestratorEvent) : undefined;
  } catch {
    return undefined;
  }
}
