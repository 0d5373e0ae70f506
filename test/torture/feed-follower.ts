import { setTimeout as delay } from "node:timers/promises";
import { createParser, type EventSourceMessage, type ParseError } from "eventsource-parser";

export interface FeedFollowerOptions {
  /** Of a bridge. */
  url: string;
  /** A filter, as parameters of the URL. */
  query?: Record<string, string> | undefined;
  onEvent: (message: EventSourceMessage) => void;
  /** Told of lines that are no field. By default they are passed over. */
  onError?: ((error: ParseError) => void) | undefined;
  /** Whether it leaves, and comes back, over bytes that are no UTF-8. By default they are replaced. */
  isStrict?: boolean | undefined;
  /** For how long it stays each time, in milliseconds. Default: until it is cut off. */
  stayMs?: (() => number) | undefined;
}

const RETRY_MS = 50;

/** Reads the feed from its beginning, and comes back with its last event id whenever it is cut off. */
export class FeedFollower {
  /** Those that it was let into. */
  connections = 0;
  readonly #options: FeedFollowerOptions;
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lastEventId: string | undefined;

  constructor(options: FeedFollowerOptions) {
    const { url, query } = options;
    this.#options = options;
    this.#url = `${url}/v1/events?${new URLSearchParams({ ...query, after: "oldest" })}`;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#readOnce();
      } catch {
        // Cut off, or nobody there: this is what we are here for.
      }
      await delay(RETRY_MS);
    }
  }

  async #readOnce(): Promise<void> {
    const headers: Record<string, string> = this.#lastEventId ? { "last-event-id": this.#lastEventId } : {};
    const leaving = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, leaving.signal]);
    const { stayMs } = this.#options;
    const timer = stayMs && setTimeout(() => leaving.abort(), stayMs());
    try {
      const response = await fetch(this.#url, { headers, signal });
      if (response.ok) this.connections++;
      await this.#read(response.body ?? []);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const { onEvent, onError, isStrict: fatal = false } = this.#options;
    const parser = createParser({
      // Told of a frame when all of it is there, just before its event.
      onId: (id) => {
        this.#lastEventId = id;
      },
      onEvent,
      onError,
    });
    const decoder = new TextDecoder("utf-8", { fatal });
    for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
  }
}
