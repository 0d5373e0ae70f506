import { OLDEST } from "../src/event/cursor.ts";
import type { Cursor, EventLog, EventPage } from "../src/event/event-log.ts";
import type { SseClient } from "./sse-client.ts";
import { encodeHeartbeat, encodeResync } from "./sse-frame.ts";
import type { SsePages, SseStretch } from "./sse-pages.ts";

/** Records read from the log at once: most, least, and first, when their size is not known. */
const MAX_PAGE = 256;
const MIN_PAGE = 16;
const FIRST_PAGE = 64;
/** Of the JSON of one page, in UTF-16 code units; of large events no more than `MIN_PAGE` are read at once. */
const PAGE_LENGTH = 1024 * 1024;

export interface SseReplaySource {
  log: EventLog;
  pages: SsePages;
  onResync(): void;
  /** Whether the last record dispatched lies past `position`. */
  isBehind(position: Cursor): boolean;
  /** Whether all that was ever dispatched is known to lie up to `position`. */
  isCurrent(position: Cursor): boolean;
  /**
   * Makes the client live, unless more was dispatched after `position` than is at hand: then false, and
   * it has to read on. Must succeed when `exhausted`: reading on would yield nothing.
   */
  join(client: SseClient, position: Cursor, exhausted: boolean): boolean;
}

/** Sends one client what the log holds, at the client's pace, until it is live. */
export class SseReplay {
  readonly client: SseClient;
  readonly #source: SseReplaySource;
  /** How far the client has read; undefined before the beginning. */
  #position: Cursor | undefined;
  /** Adapts to how much the client takes at once, so that little is read in vain. */
  #limit = FIRST_PAGE;

  /** Starts after `after`, which may be `OLDEST`. */
  constructor(client: SseClient, after: Cursor, source: SseReplaySource) {
    this.client = client;
    this.#source = source;
    this.#position = after === OLDEST ? undefined : after;
  }

  /**
   * Sends one page, or as much of it as the client takes; true once the client is live. Nothing that was
   * read is held between two calls: a client may take its time, and there may be many.
   * @throws what the log threw
   */
  async advance(): Promise<boolean> {
    const shared = this.#source.pages.after(this.client.wants.signature, this.#position);
    if (shared === undefined) return this.#readOn();
    this.#send(shared);
    // What comes next comes live: the last read, which would find nothing, is not needed either.
    if (this.client.stalled || !this.#source.isCurrent(shared.next)) return false;
    return this.#source.join(this.client, shared.next, false);
  }

  async #readOn(): Promise<boolean> {
    const [client, source, position, limit] = [this.client, this.#source, this.#position, this.#limit];
    const wasBehind = position !== undefined && source.isBehind(position);
    const page = await source.log.read({ after: position, limit, filter: client.wants.filter });
    // It may have been given up meanwhile.
    if (!client.isOpen) return false;
    if (page.gap !== undefined) {
      source.onResync();
      client.write(encodeResync(page.gap, position as Cursor, await source.log.bounds()));
      this.#position = undefined;
    }
    this.#sendPage(page);
    if (client.stalled || this.#position !== page.next) return false;
    const isEmpty = page.records.length === 0;
    // The log does not have what it was behind by, against its contract: better a hole than a busy loop.
    const exhausted = isEmpty && page.next === position && wasBehind;
    if (page.records.length < limit && source.join(client, page.next, exhausted)) return true;
    // A filter may leave out all that was read; the client's cursor must not age meanwhile.
    if (isEmpty) client.write(encodeHeartbeat(page.next));
    return false;
  }

  /** Writes piece by piece until the client stalls. */
  #sendPage({ records, next }: EventPage): void {
    const { signature } = this.client.wants;
    let sent = 0;
    while (sent < records.length && !this.client.stalled) {
      const rest = records.slice(sent);
      const stretch = this.#source.pages.stretchOf({ signature, after: this.#position, records: rest, next });
      sent += stretch.events;
      this.#send(stretch);
    }
    const taken = sent >= records.length ? this.#limit * 2 : sent * 2;
    const length = records.reduce((sum, { json }) => sum + json.length, 0);
    const fitting = length === 0 ? MAX_PAGE : Math.floor((PAGE_LENGTH / length) * records.length);
    this.#limit = Math.max(MIN_PAGE, Math.min(MAX_PAGE, taken, fitting));
    if (records.length === 0) this.#position = next;
  }

  #send({ bytes, events, next }: SseStretch): void {
    this.client.write(bytes, events);
    this.#position = next;
  }
}
