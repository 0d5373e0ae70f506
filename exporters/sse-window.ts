import type { Cursor, EventRecord } from "../src/event/event-log.ts";
import { FifoMap } from "../src/fifo-map.ts";
import { encodeRecord } from "./sse-frame.ts";

/** A record with its frame, which all clients share. */
export class FramedRecord {
  readonly record: EventRecord;
  readonly text: string;
  #bytes: Buffer | undefined;

  /** @throws INVALID_FRAME */
  constructor(record: EventRecord) {
    this.record = record;
    this.text = encodeRecord(record);
  }

  /** Made when first asked for: most frames leave among others, and those are joined as text. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.text);
    return this.#bytes;
  }
}

/**
 * The last records dispatched, without a gap between them. They let a client that has read up to some
 * place in the log step over to the live feed, and let clients that replay share frames.
 */
export class SseWindow {
  readonly #entries = new FifoMap<Cursor, FramedRecord>();
  readonly #maxEntries: number;
  readonly #maxLength: number;
  #length = 0;

  /** `maxLength` is that of all frames, in UTF-16 code units. */
  constructor({ maxEntries = 1_024, maxLength = 4 * 1024 * 1024 } = {}) {
    this.#maxEntries = maxEntries;
    this.#maxLength = maxLength;
  }

  /** @throws INVALID_FRAME; the record is left out then */
  push(record: EventRecord): FramedRecord {
    const framed = new FramedRecord(record);
    this.#entries.set(record.cursor, framed);
    this.#length += framed.text.length;
    this.#evict();
    return framed;
  }

  /** The record as it was framed for others, or framed now. @throws INVALID_FRAME */
  framed(record: EventRecord): FramedRecord {
    return this.#entries.get(record.cursor) ?? new FramedRecord(record);
  }

  /** What was dispatched after `cursor`; undefined when `cursor` is not in the window. */
  after(cursor: Cursor): FramedRecord[] | undefined {
    return this.#entries.valuesAfter(cursor);
  }

  clear(): void {
    this.#entries.clear();
    this.#length = 0;
  }

  #evict(): void {
    while (this.#entries.size > this.#maxEntries || this.#length > this.#maxLength) {
      const oldest = this.#entries.oldest as FramedRecord;
      this.#length -= oldest.text.length;
      this.#entries.deleteOldest();
    }
  }
}

/** One frame as it is; more joined, so that they go out in one write. */
export function concatFrames(records: readonly FramedRecord[]): Buffer {
  const [first, second] = records;
  if (first !== undefined && second === undefined) return first.bytes;
  let text = "";
  for (const framed of records) text += framed.text;
  return Buffer.from(text);
}
