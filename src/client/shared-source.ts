import type { Cursor } from "../event/event-log.ts";
import { FeedReader, type FeedReaderOptions } from "./feed.ts";
import type { FeedItem } from "./feed-item.ts";
import { byTimeout } from "./schedule.ts";
import {
  type PageMessage,
  receivedError,
  receivedItem,
  type Subscription,
  type WorkerMessage,
} from "./shared-protocol.ts";

/** Starts the worker, or joins it. */
export type OpenWorker = () => SharedWorker;

/** Milliseconds after which a worker that says nothing is taken for dead: a bridge that is away is told of. */
const MAX_SILENCE_MS = 120_000;
/** The same before its first word, which is that it connects. */
const MAX_START_MS = 30_000;
/** Items are reported as taken in groups. */
const TAKEN_GROUP = 100;

/**
 * Reads a feed through the worker, and by itself once that cannot be loaded. A page that is put aside for
 * later leaves, and goes on where it was when it is shown again.
 * @throws FeedError when the bridge refuses for good
 */
export async function* readShared(
  options: FeedReaderOptions,
  openWorker: OpenWorker,
): AsyncGenerator<FeedItem, void, void> {
  const { signal } = options;
  let from: Cursor | undefined = options.from;
  while (!signal.aborted) {
    const line = openLine(openWorker, { ...options, from });
    if (line === undefined) break;
    try {
      for await (const item of line.items()) {
        if (item.kind !== "state") from = item.cursor;
        yield item;
      }
    } finally {
      line.close();
    }
    if (line.isBroken) break;
    if (line.isAside) await shown(signal);
  }
  yield* new FeedReader({ ...options, from }).items();
}

/** Undefined where the page may not start the worker. */
function openLine(openWorker: OpenWorker, options: FeedReaderOptions): WorkerLine | undefined {
  try {
    return new WorkerLine(openWorker(), options);
  } catch {
    return undefined;
  }
}

/** Resolves when the page is shown again, or the signal is aborted. */
function shown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      removeEventListener("pageshow", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    addEventListener("pageshow", end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/** A page's line to the worker. */
class WorkerLine {
  readonly #port: MessagePort;
  readonly #options: FeedReaderOptions;
  readonly #messages: WorkerMessage[] = [];
  #taken = 0;
  #isClosed = false;
  #hasSpoken = false;
  #wake = () => {};
  /** The worker's script could not be loaded, or does not do what it should. */
  isBroken = false;
  /** The page was put aside. */
  isAside = false;

  constructor(worker: SharedWorker, options: FeedReaderOptions) {
    this.#port = worker.port;
    this.#options = options;
    worker.onerror = () => {
      this.isBroken = true;
      this.close();
    };
    this.#port.onmessage = ({ data }) => {
      this.#hasSpoken = true;
      this.#messages.push(data);
      this.#wake();
    };
    addEventListener("pagehide", this.#leave);
    options.signal.addEventListener("abort", this.close);
    this.#post({ kind: "open", subscription: subscriptionOf(options) });
  }

  /** Ends when the line is closed, or dead. */
  async *items(): AsyncGenerator<FeedItem, void, void> {
    for (;;) {
      const message = this.#messages.shift() ?? (await this.#next());
      if (message === undefined) return;
      if (message.kind === "refused") throw receivedError(message.error);
      yield receivedItem(message);
      if (++this.#taken < TAKEN_GROUP && this.#messages.length > 0) continue;
      this.#post({ kind: "taken", count: this.#taken });
      this.#taken = 0;
    }
  }

  readonly close = () => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    removeEventListener("pagehide", this.#leave);
    this.#options.signal.removeEventListener("abort", this.close);
    this.#post({ kind: "close" });
    this.#port.close();
    this.#wake();
  };

  readonly #leave = () => {
    this.isAside = true;
    this.close();
  };

  async #next(): Promise<WorkerMessage | undefined> {
    const { schedule = byTimeout } = this.#options;
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#isClosed) resolve();
      else cancel = schedule(resolve, this.#hasSpoken ? MAX_SILENCE_MS : MAX_START_MS);
    });
    cancel();
    this.isBroken ||= !this.#hasSpoken && !this.#isClosed;
    return this.#messages.shift();
  }

  #post(message: PageMessage): void {
    this.#port.postMessage(message);
  }
}

/** What can be sent, with an address that means the same in the worker. */
function subscriptionOf({ url, filters, token, credentials, ...rest }: FeedReaderOptions): Subscription {
  const { from, silenceMs, withSnapshots } = rest;
  const absolute = new URL(url || "/", location.href).href;
  return { url: absolute, filters, token, credentials, from, silenceMs, withSnapshots };
}
