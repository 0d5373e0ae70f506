import { crc32 } from "node:zlib";
import type { OrchestratorEvent } from "../event/event.ts";
import type { UnplacedEvent } from "../event/event-log.ts";
import type { Statement, Store } from "../store/store.ts";
import { keyOf } from "./sqlite-ids.ts";

/** A place in the file: where the next event goes, or where an event lies. */
export interface Position {
  sequence: number;
  /** Events up to here, from the beginning of the file. */
  ordinal: number;
  /** Bytes up to here, from the beginning of the file. */
  bytes: number;
  /** Places up to here are given away: what gets its place now goes behind them. */
  reserved?: number | null;
}

export interface StoredEvent {
  sequence: number;
  json: string;
  /** Of the JSON as it was written; null where that was by a version that knew no checksums. */
  checksum: number | null;
}

/** The columns of a stored event. */
export const STORED_EVENT = "sequence, json, checksum";

/** The oldest event held: what lies before it is gone. */
export interface Oldest {
  sequence: number;
  ordinal: number;
  /** Bytes before it, from the beginning of the file. */
  start: number;
  appendedAt: number;
}

interface Inserted {
  sequences: number[];
  end: Position;
}

/** An event to be written; without a sequence it gets the next one. */
export type NewEvent = UnplacedEvent & { sequence?: number };

const ORIGIN: Position = { sequence: 0, ordinal: 0, bytes: 0 };
/** About what a row takes beside its JSON: the id twice, the numbers, and its share of the pages. */
const ROW_BYTES = 150;
/** Rows per statement: each call into SQLite costs as much as a small row. */
const MAX_ROWS = 64;
const ROW = "(?, ?, ?, ?, ?, ?, ?)";

/** The table of events. Nothing here opens a transaction. */
export class EventTable {
  readonly #store: Store;
  readonly #last: Statement;
  readonly #oldest: Statement;
  readonly #fromEnd: Statement;
  readonly #has: Statement;
  readonly #holds: Statement;
  readonly #after: Statement;
  readonly #lastExcluded: Statement;
  readonly #evictIds: Statement;
  readonly #evict: Statement;
  readonly #reserve: Statement;
  readonly #release: Statement;
  /** For when the file is beyond reading. */
  lastKnownEnd = 0;
  /** By the number of rows they insert. */
  readonly #inserts: Statement[] = [];

  constructor(store: Store) {
    this.#store = store;
    this.#last = store.prepare(
      `SELECT sequence, ordinal, start + octet_length(json) + ${ROW_BYTES} AS bytes,
         (SELECT CAST(value AS INTEGER) FROM event_log WHERE name = 'reserved') AS reserved
       FROM events ORDER BY sequence DESC LIMIT 1`,
    );
    this.#oldest = store.prepare(
      `SELECT sequence, ordinal, start, appended_at AS appendedAt FROM events ORDER BY sequence LIMIT 1`,
    );
    this.#fromEnd = store.prepare("SELECT sequence FROM events ORDER BY sequence DESC LIMIT 1 OFFSET ?");
    this.#has = store.prepare("SELECT 1 FROM events WHERE sequence = ?");
    this.#holds = store.prepare(
      `SELECT 1 FROM event_ids WHERE id = ?1 UNION ALL SELECT 1 FROM events
       WHERE id = ?1 AND sequence > coalesce((SELECT max(last) FROM event_blocks), 0)`,
    );
    this.#after = store.prepare(
      `SELECT ${STORED_EVENT} FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
    );
    this.#lastExcluded = store.prepare(
      `SELECT max(sequence) AS last FROM (
         SELECT sequence, ordinal, start, appended_at FROM events
         WHERE sequence < ? ORDER BY sequence LIMIT ?
       ) WHERE ordinal <= ? OR start < ? OR appended_at < ?`,
    );
    this.#evictIds = store.prepare(
      "DELETE FROM event_ids WHERE id IN (SELECT id FROM events WHERE sequence <= ?)",
    );
    this.#evict = store.prepare("DELETE FROM events WHERE sequence <= ?");
    this.#reserve = store.prepare("REPLACE INTO event_log (name, value) VALUES ('reserved', ?)");
    this.#release = store.prepare("DELETE FROM event_log WHERE name = 'reserved'");
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

  /** The event that `count` others follow; undefined when there are no more than those. */
  fromEnd(count: number): number | undefined {
    return this.#fromEnd.get(count)?.sequence as number | undefined;
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

  /** Keeps everybody's next events behind a place; undefined for where the log ends. */
  reserve(sequence: number | undefined): void {
    if (sequence === undefined) this.#release.run();
    else this.#reserve.run(String(sequence));
  }

  /** Appends events after `end`. Returns their sequences, and the new end. */
  insert(events: readonly NewEvent[], end: Position, appendedAt: number): Inserted {
    const sequences: number[] = [];
    let { sequence, ordinal, bytes } = end;
    for (let from = 0; from < events.length; from += MAX_ROWS) {
      const values: (string | number)[] = [];
      const rows = events.slice(from, from + MAX_ROWS);
      for (const row of rows) {
        sequence = row.sequence ?? Math.max(sequence, end.reserved ?? 0) + 1;
        sequences.push(sequence);
        values.push(sequence, keyOf(row.event.id), ++ordinal, bytes, appendedAt, row.json, crc32(row.json));
        bytes += Buffer.byteLength(row.json) + ROW_BYTES;
      }
      this.#insertOf(rows.length).run(...values);
    }
    return { sequences, end: { sequence, ordinal, bytes } };
  }

  /** Removes the oldest of at most `limit` events that one of the bounds excludes; never the newest. */
  evict(newest: number, limit: number, bounds: { ordinal: number; start: number; appendedAt: number }): void {
    const { ordinal, start, appendedAt } = bounds;
    const last = this.#lastExcluded.get(newest, limit, ordinal, start, appendedAt)?.last;
    if (typeof last !== "number") return;
    this.#evictIds.run(last);
    this.#evict.run(last);
  }

  #insertOf(rows: number): Statement {
    this.#inserts[rows] ??= this.#store.prepare(
      `INSERT INTO events (sequence, id, ordinal, start, appended_at, json, checksum)
       VALUES ${Array(rows).fill(ROW).join(", ")}`,
    );
    return this.#inserts[rows];
  }
}

/** Undefined for what is not the event that was written: the file is damaged, or something else wrote to it. */
export function eventIn({ json, checksum }: StoredEvent): OrchestratorEvent | undefined {
  try {
    if (checksum !== null && crc32(json) !== checksum) return undefined;
    const event: unknown = JSON.parse(json);
    return typeof event === "object" && event !== null ? (event as OrchestratorEvent) : undefined;
  } catch {
    return undefined;
  }
}
