import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import type { SeededRandom } from "./seeded-random.ts";

export interface SeenEvent {
  cursor: string;
  /** Of its JSON. */
  digest: string;
}

export interface FeedReaderOptions {
  /** Of a bridge. */
  url: string;
  /** A filter, as parameters of the URL. */
  query?: Record<string, string> | undefined;
  /** Leaves in the middle every now and then, when it is given. */
  restless?: SeededRandom | undefined;
}

const RETRY_MS = 50;

export function digestOf(json: string): string {
  return createHash("sha1").update(json).digest("base64");
}

/** Follows the feed from its beginning, and comes back with its last event id whenever it is cut off. */
export class FeedReader {
  readonly query: Readonly<Record<string, string>>;
  /** In their order of arrival, over all connections. */
  readonly events: SeenEvent[] = [];
  readonly createdJobs = new Set<string>();
  /** Frames that told it to start over, and how many events had come before. */
  readonly resyncs: { reason: string; at: number }[] = [];
  connections = 0;
  readonly #url: string;
  readonly #restless: SeededRandom | undefined;
  readonly #stop = new AbortController();
  #lastEventId: string | undefined;
  readonly #running: Promise<void>;

  constructor({ url, query = {}, restless }: FeedReaderOptions) {
    this.query = query;
    this.#url = `${url}/v1/events?${new URLSearchParams({ ...query, after: "oldest" })}`;
    this.#restless = restless;
    this.#running = this.#run();
  }

  /** The cursor of the last event. */
  get position(): string | undefined {
    return this.events.at(-1)?.cursor;
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
    const headers: Record<string, string> =
      this.#lastEventId === undefined ? {} : { "last-event-id": this.#lastEventId };
    const leaving = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, leaving.signal]);
    const timer = this.#restless && setTimeout(() => leaving.abort(), this.#restless.between(50, 1_500));
    try {
      const response = await fetch(this.#url, { headers, signal });
      if (response.body === null || !response.ok) return;
      this.connections++;
      await this.#read(response.body);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({
      // Told of a frame when all of it is there, just before its event.
      onId: (id) => {
        this.#lastEventId = id;
      },
      onEvent: ({ id, event, data }) => this.#take(id, event, data),
    });
    const decoder = new TextDecoder();
    for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
  }

  #take(id: string | undefined, type: string | undefined, data: string): void {
    // Sent to who comes while the bridge closes: nothing is missed by it.
    if (type === "orchestra.stream.later") return;
    if (id === undefined) {
      this.resyncs.push({ reason: String(JSON.parse(data).reason), at: this.events.length });
      return;
    }
    this.events.push({ cursor: id, digest: digestOf(data) });
    if (type === "orchestra.job.created") this.createdJobs.add(JSON.parse(data).data.jobId);
  }
}
