import type { Cursor, EventLog, EventRecord } from "../src/event/event-log.ts";
import type { SseClient } from "./sse-client.ts";
import { encodeHeartbeat, encodeResync } from "./sse-frame.ts";
import { concatFrames, type FramedRecord, type SseWindow } from "./sse-window.ts";

/** Records read from the log at once. */
const PAGE_SIZE = 256;
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

/** Sends what the log holds after `after`, page by page at the client's pace, until it is live. */
export async function replay(client: SseClient, after: Cursor, source: SseReplaySource): Promise<void> {
  const { filter } = client.wants;
  let position = after;
  while (client.isOpen) {
    const wasBehind = source.isBehind(position);
    const page = await source.log.read({ after: position, limit: PAGE_SIZE, filter });
    if (page.gap !== undefined) {
      source.onResync();
      client.write(encodeResync(page.gap, position, await source.log.bounds()));
    }
    await send(client, page.records, source.window);
    const isEmpty = page.records.length === 0;
    // The log does not have what it was behind by, against its contract: better a hole than a busy loop.
    const exhausted = isEmpty && page.next === position && wasBehind;
    position = page.next;
    if (page.records.length < PAGE_SIZE && source.join(client, position, exhausted)) return;
    // A filter may leave out all that was read; the client's cursor must not age meanwhile.
    if (isEmpty) client.write(encodeHeartbeat(position));
  }
}

async function send(client: SseClient, records: readonly EventRecord[], window: SseWindow): Promise<void> {
  let chunk: FramedRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const framed = window.framed(record);
    chunk.push(framed);
    bytes += framed.frame.length;
    if (bytes < CHUNK_BYTES) continue;
    client.write(concatFrames(chunk), chunk.length);
    await client.drained();
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) client.write(concatFrames(chunk), chunk.length);
  await client.drained();
}
