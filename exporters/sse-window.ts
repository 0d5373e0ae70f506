import { parseCursor } from "../src/event/cursor.ts";
import type { Cursor, EventRecord } from "../src/event/event-log.ts";
import { encodeRecord } from "./sse-frame.ts";

/** A record with its frame, which all clients share. */
export interface FramedRecord {
  readonly record: EventRecord;
  readonly frame: Buffer;
}

interface WindowEntry extends FramedRecord {
  next: WindowEntry | undefined;
}

/**
 * The last records dispatched, without a gap between them. They let a client that has read up to some
 * place in the log step over to the live feed, and let clients that replay share frames.
 */
export class SseWindow {
  readonly #entries = new Map<Cursor, WindowEntry>();
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  #last: WindowEntry | undefined;
  #bytes = 0;

  constructor({ maxEntries = 1_024, maxBytes = 4 * 1024 * 1024 } = {}) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** @throws INVALID_FRAME; the record is left out then */
  push(record: EventRecord): FramedRecord {
    const entry: WindowEntry = { record, frame: encodeRecord(record), next: undefined };
    if (this.#last !== undefined) this.#last.next = entry;
    this.#last = entry;
    this.#entries.set(record.cursor, entry);
    this.#bytes += entry.frame.length;
    this.#evict();
    return entry;
  }

  /** The record as it was framed for others, or framed now. @throws INVALID_FRAME */
  framed(record: EventRecord): FramedRecord {
    return this.#entries.get(record.cursor) ?? { record, frame: encodeRecord(record) };
  }

  /** What was dispatched after `cursor`; undefined when `cursor` is not in the window. */
  after(cursor: Cursor): FramedRecord[] | undefined {
    const entry = this.#entries.get(cursor);
    if (entry === undefined) return undefined;
    const entries: FramedRecord[] = [];
    for (let next = entry.next; next !== undefined; next = next.next) entries.push(next);
    return entries;
  }

  clear(): void {
    this.#entries.clear();
    this.#last = undefined;
    this.#bytes = 0;
  }

  #evict(): void {
    for (const [cursor, { frame }] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(cursor);
      this.#bytes -= frame.length;
    }
  }
}

/** One frame as it is; more joined, so that they go out in one write. */
export function concatFrames(records: readonly FramedRecord[]): Buffer {
  const [first, second] = records;
  if (first !== undefined && second === undefined) return first.frame;
  return Buffer.concat(records.map(({ frame }) => frame));
}

/** Whether `cursor` lies past `position`. In another epoch it does: that began when `position` was lost. */
export function isBeyond(cursor: Cursor, position: Cursor): boolean {
  const [a, b] = [parseCursor(cursor), parseCursor(position)];
  return a === undefined || b === undefined || a.epoch !== b.epoch || a.sequence > b.sequence;
}
