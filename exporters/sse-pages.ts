import type { Cursor, EventRecord } from "../src/event/event-log.ts";
import { concatFrames, type SseWindow } from "./sse-window.ts";

/** Frames that follow one another in what a filter lets through, ready to be sent. */
export interface SseStretch {
  readonly bytes: Buffer;
  readonly events: number;
  /** Where what follows it is read. */
  readonly next: Cursor;
}

/** Some records as the log holds them next to each other. */
export interface ReadRecords {
  /** Equal for all who let the same events through. */
  signature: string;
  /** Where they were read; undefined: from the oldest. */
  after: Cursor | undefined;
  /** One at least. */
  records: readonly EventRecord[];
  /** How far they reach. */
  next: Cursor;
}

/** Frames are joined into stretches of about this many bytes; after each a slow client is waited for. */
export const STRETCH_BYTES = 64 * 1024;

interface Stored {
  readonly bytes: Buffer;
  /** Where each frame ends in `bytes`. */
  readonly ends: readonly number[];
  readonly next: Cursor;
  /** Of the places at which one may begin. */
  readonly keys: readonly string[];
}

/** How many frames of a stretch lie before a cursor. */
interface Place {
  readonly stored: Stored;
  readonly index: number;
}

/**
 * What replays have read of late. Clients that come back together have seen about as much: each takes up
 * what another has read at its own cursor, and from there on they share both reads and bytes.
 */
export class SsePages {
  readonly #window: SseWindow;
  readonly #maxBytes: number;
  readonly #stored: Stored[] = [];
  readonly #places = new Map<string, Place>();
  #bytes = 0;

  constructor(window: SseWindow, { maxBytes = 4 * 1024 * 1024 } = {}) {
    this.#window = window;
    this.#maxBytes = maxBytes;
  }

  /** What follows this cursor, if anybody has read it. */
  after(signature: string, cursor: Cursor | undefined): SseStretch | undefined {
    const place = cursor === undefined ? undefined : this.#places.get(keyOf(signature, cursor));
    return place && tailOf(place);
  }

  /** A stretch that begins with the first of the records. @throws INVALID_FRAME */
  stretchOf(read: ReadRecords): SseStretch {
    const { signature, records } = read;
    const [first] = records;
    const known = first && this.#places.get(keyOf(signature, first.cursor));
    // Read without a cursor to find it by, or by one that others did not have.
    if (known !== undefined && known.index > 0) return tailOf({ ...known, index: known.index - 1 });
    const stored = this.#join(read);
    this.#keep(stored, read.after === undefined ? 1 : 0);
    return tailOf({ stored, index: 0 });
  }

  clear(): void {
    this.#stored.length = 0;
    this.#places.clear();
    this.#bytes = 0;
  }

  #join({ signature, after, records, next }: ReadRecords): Stored {
    const framed = [];
    const ends: number[] = [];
    let length = 0;
    for (const record of records) {
      if (length >= STRETCH_BYTES) break;
      const frame = this.#window.framed(record);
      framed.push(frame);
      length += Buffer.byteLength(frame.text);
      ends.push(length);
    }
    const cursors = framed.map(({ record }) => record.cursor);
    const last = cursors.pop() as Cursor;
    const starts = after === undefined ? cursors : [after, ...cursors];
    return {
      bytes: concatFrames(framed),
      ends,
      next: framed.length === records.length ? next : last,
      keys: starts.map((cursor) => keyOf(signature, cursor)),
    };
  }

  #keep(stored: Stored, firstIndex: number): void {
    this.#stored.push(stored);
    this.#bytes += stored.bytes.length;
    stored.keys.forEach((key, offset) => {
      this.#places.set(key, { stored, index: firstIndex + offset });
    });
    while (this.#bytes > this.#maxBytes) this.#forget(this.#stored.shift() as Stored);
  }

  #forget(stored: Stored): void {
    this.#bytes -= stored.bytes.length;
    for (const key of stored.keys) {
      // A younger stretch may begin at the same place.
      if ((this.#places.get(key) as Place).stored === stored) this.#places.delete(key);
    }
  }
}

function keyOf(signature: string, cursor: Cursor): string {
  return `${cursor} ${signature}`;
}

/** What of a stretch lies behind a place; a view of the same bytes. */
function tailOf({ stored: { bytes, ends, next }, index }: Place): SseStretch {
  return {
    bytes: index === 0 ? bytes : bytes.subarray(ends[index - 1]),
    events: ends.length - index,
    next,
  };
}
