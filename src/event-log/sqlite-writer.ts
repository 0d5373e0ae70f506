import type { EventRecord } from "../event/event-log.ts";
import type { Store } from "../store/store.ts";
import type { EventBlocks } from "./sqlite-blocks.ts";
import type { EventTable, NewEvent, Position } from "./sqlite-events.ts";
import { type Lease, OpenJobs } from "./sqlite-open-jobs.ts";
import type { LogReader } from "./sqlite-reader.ts";
import { Retention, type SqliteRetention } from "./sqlite-retention.ts";

/** Events that share an entry of the index at most. */
const MAX_SLICE = 256;
/** What others wrote is handed over in pages of this size. */
export const FOREIGN_PAGE = 1_000;

export interface WriteOptions {
  /** Read what others wrote after this sequence, too. Default: nothing is read. */
  seen?: number | undefined;
  /** For events that bring their places with them. */
  placed?: Placing | undefined;
}

interface Placing {
  /** Their places are kept if the file still ends here; else they get new ones. */
  keepAfter: number;
  /** Who writes next does so behind this place. Default: behind the events. */
  reserve: number | undefined;
}

export interface Written {
  /** The sequence of each event; undefined for one that the file had. */
  placed: (number | undefined)[];
  end: Position;
  /** Whether places that events brought were kept. */
  isKept: boolean;
  /** What others wrote since `seen`: it lies before what was written now. */
  foreign: readonly EventRecord[];
}

/** Writes events and all that goes with them, in one transaction. */
export class LogWriter {
  readonly #store: Store;
  readonly #events: EventTable;
  readonly #blocks: EventBlocks;
  readonly #jobs: OpenJobs;
  readonly #retention: Retention;
  readonly #now: () => number;

  constructor(
    store: Store,
    {
      events,
      blocks,
      lease,
      retention,
      now,
    }: {
      events: EventTable;
      blocks: EventBlocks;
      lease: Lease | undefined;
      retention: SqliteRetention | undefined;
      now: () => number;
    },
  ) {
    this.#store = store;
    this.#events = events;
    this.#blocks = blocks;
    this.#jobs = new OpenJobs(store, lease);
    this.#retention = new Retention({ events, blocks, jobs: this.#jobs }, retention);
    this.#now = now;
  }

  /** Undefined, and nothing was written, when others wrote more than fits into a page. */
  write(events: readonly NewEvent[], reader: LogReader, options: WriteOptions = {}): Written | undefined {
    try {
      return this.#store.transaction(() => {
        const before = this.#events.end();
        const { seen = before.sequence, placed } = options;
        const foreign = reader.page(seen, before.sequence, FOREIGN_PAGE);
        if (foreign.position < before.sequence) return undefined;
        const isKept = placed?.keepAfter === before.sequence;
        const placeable = isKept ? events : events.map(({ event, json }) => ({ event, json }));
        const written = this.#writeAfter(before, placeable);
        if (placed !== undefined) this.#events.reserve(placed.reserve);
        return { ...written, isKept, foreign: foreign.records };
      });
    } catch (error) {
      this.#blocks.forget();
      throw error;
    }
  }

  /** Lets old events go although none are written. */
  trim(): void {
    const now = this.#now();
    if (!this.#retention.isDue(this.#events.end(), now)) return;
    this.#store.transaction(() => this.#retention.apply(this.#events.end(), now));
  }

  #writeAfter(before: Position, events: readonly NewEvent[]): Pick<Written, "placed" | "end"> {
    const now = this.#now();
    const placed: (number | undefined)[] = [];
    let end = before;
    this.#blocks.learn(before);
    for (let from = 0; from < events.length; from += MAX_SLICE) {
      const slice = events.slice(from, from + MAX_SLICE);
      const isNew = slice.map(({ event }) => this.#blocks.isNew(event.id));
      const fresh = slice.filter((_, index) => isNew[index]);
      const inserted = this.#events.insert(fresh, end, now);
      end = inserted.end;
      this.#jobs.note(fresh, inserted.sequences);
      this.#blocks.add(fresh, end);
      let next = 0;
      for (const one of isNew) placed.push(one ? inserted.sequences[next++] : undefined);
    }
    if (this.#retention.isDue(end, now)) this.#retention.apply(end, now, events.length);
    return { placed, end };
  }
}
