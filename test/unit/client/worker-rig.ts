import type { FeedReaderOptions } from "../../../src/client/feed.ts";
import type { FeedItem } from "../../../src/client/feed-item.ts";
import { SharedFeeds } from "../../../src/client/shared-feeds.ts";
import type { PageMessage, Subscription, WorkerMessage } from "../../../src/client/shared-protocol.ts";
import { quiet } from "./client-rig.ts";

/** One reading of the bridge, which does what the test says. */
class TestFeed {
  readonly options: FeedReaderOptions;
  readonly #items: FeedItem[] = [];
  #error: Error | undefined;
  #wake = () => {};

  constructor(options: FeedReaderOptions) {
    this.options = options;
    options.signal.addEventListener("abort", () => this.#wake());
  }

  get isStopped(): boolean {
    return this.options.signal.aborted;
  }

  tell(...items: FeedItem[]): void {
    this.#items.push(...items);
    this.#wake();
  }

  refuse(error: Error): void {
    this.#error = error;
    this.#wake();
  }

  async *items(): AsyncGenerator<FeedItem, void, void> {
    while (!this.isStopped) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#error !== undefined) throw this.#error;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** A page's end of the line. */
export class TestPage {
  readonly messages: WorkerMessage[] = [];
  isClosed = false;
  onmessage: ((event: MessageEvent) => void) | null = null;
  #taken = 0;

  postMessage(message: unknown): void {
    // What cannot be sent would throw.
    this.messages.push(structuredClone(message) as WorkerMessage);
  }

  close(): void {
    this.isClosed = true;
  }

  send(data: PageMessage): void {
    this.onmessage?.({ data } as MessageEvent);
  }

  /** Takes all that has come. */
  take(): void {
    const count = this.messages.length - this.#taken;
    this.#taken += count;
    this.send({ kind: "taken", count });
  }

  /** The places of the events and heartbeats that it was told of, and the names of everything else. */
  get told(): string[] {
    return this.messages.map((message) => {
      if (message.kind === "refused") return `refused ${message.error.code}`;
      const { item } = message;
      if (item.kind === "event") return String(item.cursor);
      if (item.kind === "place") return `(${item.cursor})`;
      return item.kind === "state" ? item.state.state : item.kind;
    });
  }
}

export function event(n: number): FeedItem {
  const data = { message: String(n) };
  const whole = { version: 1, id: `id-${n}`, type: "orchestra.error", timestamp: 0, data } as const;
  return { kind: "event", event: whole, cursor: `e-${n}` };
}

export const place = (n: number): FeedItem => ({ kind: "place", cursor: `e-${n}` });
export const open: FeedItem = { kind: "state", state: { state: "open" } };
export const gap = {
  kind: "gap",
  gap: { reason: "epoch", requested: null, oldest: null, latest: null },
  cursor: "oldest",
} satisfies FeedItem;

export function createWorker() {
  const readings: TestFeed[] = [];
  const feeds = new SharedFeeds((options) => {
    const reading = new TestFeed(options);
    readings.push(reading);
    return reading.items();
  });
  const openPage = async (subscription: Partial<Subscription> = {}) => {
    const page = new TestPage();
    feeds.accept(page);
    page.send({
      kind: "open",
      subscription: { url: "http://bridge", withSnapshots: false, ...subscription },
    });
    await quiet();
    return page;
  };
  const tell = async (index: number, ...items: FeedItem[]) => {
    readings[index]?.tell(...items);
    await quiet();
  };
  return { readings, openPage, tell };
}
