import type { Statement, Store } from "../store/store.ts";

/** The index of ids covers the events up to a sequence; the ids of later ones are held here. */
export interface IndexedIds {
  last: number;
  /** The latest time that an indexed id tells of itself, in milliseconds since the epoch. */
  maxTime: number;
}

/**
 * Knows which ids the file holds. Most ids tell their time, and one that is later than all indexed ones
 * need not be looked up; and ids are indexed many at once, as each time costs a page of the journal.
 */
export class EventIds {
  readonly #recent = new Set<string>();
  readonly #load: Statement;
  readonly #find: Statement;
  readonly #index: Statement;
  #indexed: IndexedIds = { last: 0, maxTime: -1 };

  constructor(store: Store) {
    this.#load = store.prepare("SELECT id FROM events WHERE sequence > ? AND sequence <= ?");
    this.#find = store.prepare("SELECT 1 FROM event_ids WHERE id = ?");
    this.#index = store.prepare(
      `INSERT OR IGNORE INTO event_ids (id)
       SELECT id FROM events WHERE sequence > ? AND sequence <= ? ORDER BY id`,
    );
  }

  /** Begins anew, with what lies behind the index up to `last`. */
  reset(indexed: IndexedIds, last: number): void {
    this.#recent.clear();
    this.#indexed = indexed;
    this.load(indexed.last, last);
  }

  /** Takes note of what others wrote after one sequence and up to another. */
  load(after: number, last: number): void {
    for (const { id } of this.#load.all(after, last)) this.#recent.add(String(id));
  }

  /** False when it is held already; else it is taken note of. */
  add(key: string): boolean {
    if (this.#recent.has(key)) return false;
    if (!(timeOf(key) > this.#indexed.maxTime) && this.#find.get(key) !== undefined) return false;
    this.#recent.add(key);
    return true;
  }

  /** Indexes all ids up to `last`. */
  index(last: number): IndexedIds {
    this.#index.run(this.#indexed.last, last);
    let { maxTime } = this.#indexed;
    for (const key of this.#recent) maxTime = Math.max(maxTime, timeOf(key) || 0);
    this.#recent.clear();
    this.#indexed = { last, maxTime };
    return this.#indexed;
  }
}

/** Text that is not well-formed Unicode would be changed in the file, and two ids could become one. */
export function keyOf(id: string): string {
  return id.isWellFormed() ? id : JSON.stringify(id);
}

/** Milliseconds since the epoch that a UUID v7 begins with; NaN for any other id. */
function timeOf(id: string): number {
  if (id.length !== 36 || id[14] !== "7" || id[8] !== "-") return Number.NaN;
  return Number.parseInt(id.slice(0, 8), 16) * 0x10000 + Number.parseInt(id.slice(9, 13), 16);
}
