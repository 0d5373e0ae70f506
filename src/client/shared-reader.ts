import { isBeyond } from "../event/cursor.ts";
import type { Cursor } from "../event/event-log.ts";
import type { FeedError } from "./feed-error.ts";
import type { FeedItem } from "./feed-item.ts";
import {
  MAX_UNTAKEN,
  type Port,
  type Subscription,
  sentError,
  sentItem,
  type WorkerMessage,
} from "./shared-protocol.ts";

/** One page that reads a feed in the worker. */
export class SharedReader {
  readonly subscription: Subscription;
  readonly #port: Port;
  #place: Cursor | undefined;
  /** It has everything up to here already, and is told again by the stream that it joined. */
  #ahead: Cursor | undefined;
  #untaken = 0;
  #isGone = false;
  #onTaken = () => {};

  constructor(port: Port, subscription: Subscription) {
    this.#port = port;
    this.subscription = subscription;
    this.#place = subscription.from;
  }

  /** How far it has read, or where it is to begin. */
  get place(): Cursor | undefined {
    return this.#place;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get isFull(): boolean {
    return this.#untaken >= MAX_UNTAKEN;
  }

  /** From now on it gets what a stream tells that may be behind it. */
  joins(): void {
    this.#ahead = this.#place;
  }

  send(item: FeedItem): void {
    if (this.#isGone || this.#knows(item)) return;
    if (item.kind !== "state") this.#place = item.cursor;
    this.#untaken++;
    this.#post(sentItem(item));
  }

  refuse(error: FeedError): void {
    this.#post({ kind: "refused", error: sentError(error) });
  }

  taken(count: number): void {
    this.#untaken -= count;
    this.#onTaken();
  }

  leave(): void {
    this.#isGone = true;
    this.#onTaken();
    this.#port.close();
  }

  /** Resolves when it has taken all but `count` items, or is gone. */
  async untaken(count: number): Promise<void> {
    while (this.#untaken > count && !this.#isGone) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
  }

  #knows(item: FeedItem): boolean {
    if (this.#ahead === undefined || item.kind === "state") return false;
    if (item.kind !== "gap" && item.cursor !== undefined && !isBeyond(item.cursor, this.#ahead)) return true;
    this.#ahead = undefined;
    return false;
  }

  #post(message: WorkerMessage): void {
    this.#port.postMessage(message);
  }
}
