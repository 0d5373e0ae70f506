import { FeedReader } from "./feed.ts";
import { type ReadFeed, SharedFeed } from "./shared-feed.ts";
import type { PageMessage, Port, Subscription } from "./shared-protocol.ts";
import { SharedReader } from "./shared-reader.ts";

/** The feeds that pages of one site read in common. */
export class SharedFeeds {
  readonly #read: ReadFeed;
  readonly #feeds = new Map<string, SharedFeed>();

  constructor(read: ReadFeed = (options) => new FeedReader(options).items()) {
    this.#read = read;
  }

  /** Serves one page. */
  accept(port: Port): void {
    let leave = () => {};
    let taken = (_count: number) => {};
    port.onmessage = ({ data }) => {
      const message = data as PageMessage;
      if (message.kind === "open") {
        const reader = new SharedReader(port, message.subscription);
        const feed = this.#feedOf(message.subscription);
        taken = (count) => reader.taken(count);
        leave = () => feed.remove(reader);
        feed.add(reader);
      } else if (message.kind === "taken") taken(message.count);
      else leave();
    };
    // Where browsers tell of a page that is gone without a word.
    (port as EventTarget & Port).addEventListener?.("close", () => leave());
  }

  #feedOf({ from, ...what }: Subscription): SharedFeed {
    const key = JSON.stringify(what);
    const feed = this.#feeds.get(key) ?? new SharedFeed(this.#read, () => this.#feeds.delete(key));
    this.#feeds.set(key, feed);
    return feed;
  }
}
