import { OLDEST } from "../src/event/cursor.ts";
import type { Cursor, EventLog, EventRecord } from "../src/event/event-log.ts";
import type { SseClient } from "./sse-client.ts";
import { encodeHeartbeat, encodeResync } from "./sse-frame.ts";
import { concatFrames, type FramedRecord, type SseWindow } from "./sse-window.ts";

/** Records read from the log at once, most and least. */
const MAX_PAGE = 256;
const MIN_PAGE = 16;
/** Frames are joined into chunks of about this many bytes; after each a slow client is waited for. */
export const CHUNK_BYTES = 64 * 1024;

export interface SseReplaySource {
  log: EventLog;
  window: SseWindow;
  onResync(): void;
  /** Whether the last record dispatched lies past `position`. */
  isBehind(position: Cursor): boolean;
  /**
   * Makes the client live, unless more was dispatched after `position` than is at hand: then false, and
   * it has to read on. Must succeed when `exhausted`: reading on would yield nothing.
   */
  join(client: SseClient, position: Cursor, exhausted: boolean): boolean;
}

/** Sends one client what the log holds, at the client's pace, until it is live. */
export class SseReplay {
  readonly #client: SseClient;
  readonly #source: SseReplaySource;
  /** How far the client has read; undefined before the beginning. */
  #position: Cursor | undefined;
  /** Adapts to how much the client takes at once, so that little is read in vain. */
  #limit = MAX_PAGE;

  /** Starts after `after`, which may be `OLDEST`. */
  constructor(client: SseClient, after: Cursor, source: SseReplaySource) {
    this.#client = client;
    this.#source = source;
    this.#position = after === OLDEST ? undefined : after;
  }

  async run(): Promise<void> {
    while (this.#client.isOpen) {
      if (await this.#advance()) return;
      // Nothing that was read is held meanwhile: a client may take its time, and there may be many.
      await this.#client.drained();
    }
  }

  /** Reads and sends one page, or as much of it as the client takes; true once the client is live. */
  async #advance(): Promise<boolean> {
    const [client, source, position] = [this.#client, this.#source, this.#position];
    const wasBehind = position !== undefined && source.isBehind(position);
    const { filter } = client.wants;
    const limit = this.#limit;
    const { records, next, gap } = await source.log.read({ after: position, limit, filter });
    if (gap !== undefined) {
      source.onResync();
      client.write(encodeResync(gap, position as Cursor, await source.log.bounds()));
    }
    const sent = this.#send(records);
    const isWhole = sent === records.length;
    this.#limit = isWhole ? Math.min(MAX_PAGE, limit * 2) : Math.max(MIN_PAGE, sent * 2);
    this.#position = isWhole ? next : records[sent - 1]?.cursor;
    if (client.stalled) return false;
    const isEmpty = records.length === 0;
    // The log does not have what it was behind by, against its contract: better a hole than a busy loop.
    const exhausted = isEmpty && next === position && wasBehind;
    if (records.length < limit && source.join(client, next, exhausted)) return true;
    // A filter may leave out all that was read; the client's cursor must not age meanwhile.
    if (isEmpty) client.write(encodeHeartbeat(next));
    return false;
  }

  /** Writes chunk by chunk until the client stalls. Returns how many records it got, one at least. */
  #send(records: readonly EventRecord[]): number {
    let sent = 0;
    while (sent < records.length) {
      const chunk = this.#chunkOf(records, sent);
      this.#client.write(concatFrames(chunk), chunk.length);
      sent += chunk.length;
      if (this.#client.stalled) return sent;
    }
    return sent;
  }

  #chunkOf(records: readonly EventRecord[], from: number): FramedRecord[] {
    const chunk: FramedRecord[] = [];
    let length = 0;
    for (let index = from; index < records.length && length < CHUNK_BYTES; index++) {
      const framed = this.#source.window.framed(records[index] as EventRecord);
      chunk.push(framed);
      length += framed.text.length;
    }
    return chunk;
  }
}
