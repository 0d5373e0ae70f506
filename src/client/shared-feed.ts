import { isBeyond } from "../event/cursor.ts";
import type { Cursor } from "../event/event-log.ts";
import type { FeedReaderOptions } from "./feed.ts";
import type { FeedError } from "./feed-error.ts";
import type { FeedItem } from "./feed-item.ts";
import type { SharedReader } from "./shared-reader.ts";

/** Reads the bridge: `new FeedReader(options).items()`. */
export type ReadFeed = (options: FeedReaderOptions) => AsyncGenerator<FeedItem, void, void>;

interface OwnFeed {
  items: AsyncGenerator<FeedItem, void, void>;
  stop(): void;
}

/**
 * The readers of the same events. A reader that comes, or could not follow, reads by itself until it stands
 * where the shared stream stands, and then goes on with it; the first one's stream becomes the shared one.
 */
export class SharedFeed {
  readonly #read: ReadFeed;
  readonly #onEmpty: () => void;
  /** All, and those of them that go with the stream. */
  readonly #readers = new Map<SharedReader, OwnFeed | undefined>();
  readonly #together = new Set<SharedReader>();
  #stream: OwnFeed | undefined;
  #place: Cursor | undefined;
  #state: FeedItem | undefined;

  constructor(read: ReadFeed, onEmpty: () => void) {
    this.#read = read;
    this.#onEmpty = onEmpty;
  }

  /** Resolves when the reader goes with the stream, or is gone. */
  async add(reader: SharedReader): Promise<void> {
    const feed = this.#open(reader);
    this.#readers.set(reader, feed);
    // Not before it is live: until then it may be told what a snapshot of several pages has told.
    let isLive = false;
    try {
      for (;;) {
        const { value: item } = await feed.items.next();
        if (reader.isFull) await reader.untaken(0);
        if (item === undefined || reader.isGone) return;
        reader.send(item);
        isLive ||= item.kind === "place";
        if (isLive && item.kind !== "state" && this.#join(reader, feed)) return;
      }
    } catch (error) {
      reader.refuse(error as FeedError);
      this.remove(reader);
    }
  }

  remove(reader: SharedReader): void {
    this.#readers.get(reader)?.stop();
    if (!this.#readers.delete(reader)) return;
    this.#together.delete(reader);
    reader.leave();
    if (this.#together.size === 0) this.#stopStream();
    if (this.#readers.size === 0) this.#onEmpty();
  }

  #open(reader: SharedReader): OwnFeed {
    const stop = new AbortController();
    const items = this.#read({ ...reader.subscription, from: reader.place, signal: stop.signal });
    return { items, stop: () => stop.abort() };
  }

  #join(reader: SharedReader, feed: OwnFeed): boolean {
    const { place } = reader;
    if (place === undefined) return false;
    if (this.#stream === undefined) {
      this.#stream = feed;
      this.#place = place;
      this.#lead(feed);
    } else if (this.#place === undefined || isBeyond(this.#place, place)) {
      return false;
    } else {
      feed.stop();
      reader.joins();
      if (this.#state !== undefined) reader.send(this.#state);
    }
    this.#readers.set(reader, undefined);
    this.#together.add(reader);
    return true;
  }

  async #lead(feed: OwnFeed): Promise<void> {
    try {
      for (;;) {
        const { value: item } = await feed.items.next();
        if (item === undefined || feed !== this.#stream) return;
        if (item.kind === "state") this.#state = item;
        else this.#place = item.cursor;
        for (const reader of this.#together) this.#pass(item, reader);
      }
    } catch (error) {
      for (const reader of this.#together) {
        reader.refuse(error as FeedError);
        this.remove(reader);
      }
    }
  }

  #pass(item: FeedItem, reader: SharedReader): void {
    if (!reader.isFull) {
      reader.send(item);
      return;
    }
    // It goes on where it is, once it has taken what was sent.
    this.#together.delete(reader);
    if (this.#together.size === 0) this.#stopStream();
    reader.untaken(0).then(() => {
      if (!reader.isGone) this.add(reader);
    });
  }

  #stopStream(): void {
    this.#stream?.stop();
    this.#stream = undefined;
    this.#state = undefined;
  }
}
