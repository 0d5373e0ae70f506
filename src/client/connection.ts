import type { Cursor } from "../event/event-log.ts";
import type { FeedError } from "./feed-error.ts";
import type { FeedEvent } from "./feed-event.ts";
import type { ConnectionState, FeedItem, Gap, Snapshot } from "./feed-item.ts";

/** What a connection calls, in the order in which things happened. A promise that is returned is waited for. */
export interface ConnectionHandlers {
  /** Called with each event and its cursor. Without it, iterate over the connection. */
  onEvent?: ((event: FeedEvent, cursor: Cursor | undefined) => unknown) | undefined;
  /**
   * With it, the connection begins with a snapshot unless `from` is given, and takes a new one after each
   * gap.
   */
  onSnapshot?: ((snapshot: Snapshot) => unknown) | undefined;
  /** Events are missing from here on; a snapshot follows when `onSnapshot` is given. */
  onGap?: ((gap: Gap) => unknown) | undefined;
  onState?: ((state: ConnectionState) => unknown) | undefined;
  /**
   * Told of what a handler threw, of a frame that is no event, and of the error that ended the connection.
   * Default: `reportError` in browsers, nothing elsewhere.
   */
  onError?: ((error: unknown) => unknown) | undefined;
  /** Closes the connection. */
  signal?: AbortSignal | undefined;
}

/** Iterate over it once, unless `onEvent` is given. Leaving the loop closes the connection. */
export interface Connection extends AsyncIterable<FeedEvent, void, void> {
  /** Where it has got to; `from` takes it, to go on in another connection. */
  readonly cursor: Cursor | undefined;
  readonly state: ConnectionState;
  /** Resolves when it is closed, with the error if the bridge refused for good. Never rejects. */
  readonly closed: Promise<FeedError | undefined>;
  /** Leaves no timer and no socket behind. Idempotent. */
  close(): void;
}

/** Hands over what a feed tells, to handlers or to a loop. */
export class FeedConnection implements Connection {
  readonly #handlers: ConnectionHandlers;
  readonly #items: AsyncGenerator<FeedItem, void, void>;
  readonly #stop = new AbortController();
  readonly closed: Promise<FeedError | undefined>;
  readonly close = () => this.#end();
  #resolveClosed: (error: FeedError | undefined) => void = () => {};
  #isTaken: boolean;
  #cursor: Cursor | undefined;
  #state: ConnectionState = { state: "connecting" };

  /** `read` makes the feed, which ends by the signal and throws nothing but a FeedError. */
  constructor(
    handlers: ConnectionHandlers,
    read: (signal: AbortSignal) => AsyncGenerator<FeedItem, void, void>,
  ) {
    const { onEvent, signal } = handlers;
    this.#handlers = handlers;
    this.#isTaken = onEvent !== undefined;
    this.#items = read(this.#stop.signal);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    signal?.addEventListener("abort", this.close);
    if (signal?.aborted) this.#end();
    else if (onEvent !== undefined) this.#push(onEvent);
  }

  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** @throws TypeError when the events go to `onEvent`, or to another loop */
  [Symbol.asyncIterator](): AsyncIterator<FeedEvent, void, void> {
    if (this.#isTaken) throw new TypeError("The events go to `onEvent` or to one loop");
    this.#isTaken = true;
    return {
      next: async () => {
        const value = await this.#next();
        if (value !== undefined) return { done: false, value };
        if (this.#state.state === "closed" && this.#state.error !== undefined) throw this.#state.error;
        return { done: true, value };
      },
      return: async () => {
        this.#end();
        return { done: true, value: undefined };
      },
    };
  }

  async #push(onEvent: NonNullable<ConnectionHandlers["onEvent"]>): Promise<void> {
    for (let event = await this.#next(); event !== undefined; event = await this.#next()) {
      await this.#call(onEvent, event, this.#cursor);
    }
  }

  /** The next event, after the handlers were told of everything before it; undefined at the end. */
  async #next(): Promise<FeedEvent | undefined> {
    try {
      for (;;) {
        const { value: item } = await this.#items.next();
        if (item === undefined || this.#stop.signal.aborted) break;
        if (item.kind !== "state") this.#cursor = item.cursor;
        if (item.kind === "event") return item.event;
        await this.#tell(item);
      }
      this.#end();
    } catch (error) {
      this.#end(error as FeedError);
    }
    return undefined;
  }

  #tell(item: Exclude<FeedItem, { kind: "event" }>): Promise<void> | undefined {
    const { onSnapshot, onGap, onError } = this.#handlers;
    switch (item.kind) {
      case "snapshot":
        return this.#call(onSnapshot, item.snapshot);
      case "gap":
        return this.#call(onGap, item.gap);
      case "error":
        return this.#call(onError ?? report, item.error);
      case "state":
        return this.#enter(item.state);
      default:
        return undefined;
    }
  }

  #enter(state: ConnectionState): Promise<void> {
    this.#state = state;
    return this.#call(this.#handlers.onState, state);
  }

  async #call<A extends unknown[]>(
    handler: ((...args: A) => unknown) | undefined,
    ...args: A
  ): Promise<void> {
    try {
      await handler?.(...args);
    } catch (error) {
      try {
        await (this.#handlers.onError ?? report)(error);
      } catch {
        // There is nobody left to tell.
      }
    }
  }

  #end(error?: FeedError): void {
    if (this.#state.state === "closed") return;
    this.#handlers.signal?.removeEventListener("abort", this.close);
    this.#stop.abort();
    this.#enter({ state: "closed", error });
    if (error !== undefined) this.#call(this.#handlers.onError ?? report, error);
    this.#resolveClosed(error);
  }
}

/** Some runtimes that are no browser have `reportError`, too, and end the process by it. */
function report(error: unknown): void {
  if ("document" in globalThis || "WorkerGlobalScope" in globalThis) globalThis.reportError(error);
}
