import { formatCursor, parseCursor } from "../event/cursor.ts";
import { compileFilter, type EventFilter, type EventPredicate } from "../event/event-filter.ts";
import {
  type Cursor,
  DEFAULT_READ_LIMIT,
  type EventLogBounds,
  type EventPage,
  type EventRecord,
  type GapReason,
  type ReadOptions,
} from "../event/event-log.ts";
import type { EventBlocks, Span } from "./sqlite-blocks.ts";
import { type EventTable, eventIn, type StoredEvent } from "./sqlite-events.ts";
import type { Overflow } from "./sqlite-overflow.ts";
import { type Demand, demandsOf } from "./sqlite-subjects.ts";

/** Blocks whose events are looked at in one read: some milliseconds' worth. */
const MAX_BLOCKS = 32;

/** Events parsed in one read, the limit aside. */
const MAX_SCANNED = 8_192;
const MIN_SELECTED = 16;

type Select = (span: Span, limit: number) => StoredEvent[];

interface Query {
  limit: number;
  filter: EventFilter;
  matches: EventPredicate;
}

/** Records found, and how far the search has come. */
export interface Found {
  records: EventRecord[];
  position: number;
}

/** Reads the file, and what waits for the file behind it. */
export class LogReader {
  readonly #epoch: string;
  readonly #events: EventTable;
  readonly #blocks: EventBlocks;
  /** Rows that are not what was written, each time they are met. */
  unreadable = 0;

  constructor(epoch: string, { events, blocks }: { events: EventTable; blocks: EventBlocks }) {
    this.#epoch = epoch;
    this.#events = events;
    this.#blocks = blocks;
  }

  read(options: ReadOptions, overflow: Overflow | undefined): EventPage {
    const { after, limit = DEFAULT_READ_LIMIT, filter = {} } = options;
    const query = { limit, filter, matches: compileFilter(filter) };
    const sequence = after === undefined ? undefined : this.#parse(after);
    const found = typeof sequence === "number" ? this.#from(sequence, query, overflow) : undefined;
    // Asked last, as another process may have removed what was about to be read.
    const gap = typeof sequence === "number" ? this.#gapAt(sequence, overflow) : sequence;
    const { records, position } =
      found === undefined || gap !== undefined
        ? this.#from(this.#beginning(overflow), query, overflow)
        : found;
    return { records, next: formatCursor(this.#epoch, position), gap };
  }

  bounds(overflow: Overflow | undefined): EventLogBounds {
    const oldest = this.#events.oldest() ?? overflow?.oldest;
    const latest = overflow?.latest ?? this.#events.end().sequence;
    return {
      oldest: oldest && formatCursor(this.#epoch, oldest.sequence),
      latest: formatCursor(this.#epoch, latest),
    };
  }

  tail(count: number, overflow: Overflow | undefined): Cursor {
    return formatCursor(this.#epoch, this.#events.fromEnd(count) ?? this.#beginning(overflow));
  }

  /** Where the file ends. */
  end(): number {
    return this.#events.end().sequence;
  }

  /** The same for a file that may be beyond reading. */
  lastKnownEnd(): number {
    try {
      return this.end();
    } catch {
      return this.#events.lastKnownEnd;
    }
  }

  /** Everything after one sequence and up to another, at most `limit` of it. */
  page(after: number, last: number, limit: number): Found {
    return this.#scan({ after, last }, { limit, filter: {}, matches: () => true }, this.#between);
  }

  readonly #between: Select = ({ after, last }, limit) => this.#events.between(after, last, limit);

  #parse(cursor: Cursor): number | GapReason {
    const parsed = parseCursor(cursor);
    if (parsed === undefined) return "malformed";
    return parsed.epoch === this.#epoch ? parsed.sequence : "epoch";
  }

  /** Just before the oldest event. */
  #beginning(overflow: Overflow | undefined): number {
    const oldest = this.#events.oldest() ?? overflow?.oldest;
    return oldest === undefined ? 0 : oldest.sequence - 1;
  }

  #gapAt(sequence: number, overflow: Overflow | undefined): GapReason | undefined {
    if (this.#events.has(sequence)) return undefined;
    const oldest = this.#events.oldest();
    const isStart = sequence === 0 && (oldest?.ordinal ?? 1) === 1;
    if (isStart || sequence + 1 === oldest?.sequence) return undefined;
    const { sequence: end } = this.#events.end();
    if (sequence > (overflow?.latest ?? end)) return "future";
    if (oldest !== undefined && sequence < oldest.sequence) return "evicted";
    // A place that was given away for an event which the file then took under another, or never.
    if (sequence < end || overflow === undefined) return "epoch";
    return sequence + 1 < (overflow.oldest?.sequence ?? 0) ? "evicted" : undefined;
  }

  #from(after: number, query: Query, overflow: Overflow | undefined): Found {
    const span = { after, last: this.#events.end().sequence };
    const demands = demandsOf(query.filter);
    const found =
      demands.length === 0 ? this.#scan(span, query, this.#between) : this.#search(span, query, demands);
    if (overflow !== undefined && found.position >= span.last) this.#addWaiting(found, query, overflow);
    return found;
  }

  #addWaiting(found: Found, { limit, matches }: Query, overflow: Overflow): void {
    for (const { sequence, event, json } of overflow.after(found.position)) {
      if (found.records.length === limit) return;
      found.position = sequence;
      if (matches(event)) {
        found.records.push({ cursor: formatCursor(this.#epoch, sequence), event, json });
      }
    }
  }

  /** By way of the blocks that may hold what is asked for; then what lies in no block yet. */
  #search({ after, last }: Span, query: Query, demands: readonly Demand[]): Found {
    const select = this.#blocks.select(demands);
    const found: Found = { records: [], position: after };
    const scan = (span: Span) => {
      const { records, position } = this.#scan(
        span,
        { ...query, limit: query.limit - found.records.length },
        select,
      );
      found.records.push(...records);
      found.position = position;
      return found.records.length < query.limit;
    };
    const horizon = this.#blocks.horizon(after);
    if (horizon !== undefined) {
      const spans = this.#blocks.search(demands, { after, last: horizon }, MAX_BLOCKS);
      for (const span of spans) {
        if (!scan({ after: Math.max(span.after, found.position), last: span.last })) return found;
      }
      if (spans.length === MAX_BLOCKS) return found;
      found.position = Math.max(found.position, horizon);
      if (this.#blocks.horizon(horizon) !== undefined) return found;
    }
    scan({ after: found.position, last });
    return found;
  }

  /** Through a span until the limit, or as far as one read goes; `select` may bring what does not match. */
  #scan({ after, last }: Span, { limit, matches }: Query, select: Select): Found {
    const found: Found = { records: [], position: after };
    for (let scanned = 0; found.position < last && scanned < MAX_SCANNED; ) {
      const wanted = Math.max(limit - found.records.length, MIN_SELECTED);
      const rows = select({ after: found.position, last }, wanted);
      for (const row of rows) {
        if (found.records.length === limit) return found;
        found.position = row.sequence;
        const record = this.#record(row);
        if (record !== undefined && matches(record.event)) found.records.push(record);
      }
      if (found.records.length === limit) return found;
      if (rows.length < wanted) found.position = last;
      scanned += rows.length;
    }
    return found;
  }

  #record(row: StoredEvent): EventRecord | undefined {
    const event = eventIn(row);
    if (event === undefined) this.unreadable++;
    return event && { cursor: formatCursor(this.#epoch, row.sequence), event, json: row.json };
  }
}
