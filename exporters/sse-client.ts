import type { Cursor } from "../src/event/event-log.ts";
import type { SseConnection } from "./sse-connection.ts";
import type { SseFilter } from "./sse-filter.ts";
import type { SseCounters, SseDropReason } from "./sse-stats.ts";

export interface SseClientLimits {
  maxQueuedBytes: number;
  maxStallMs: number;
}

export interface SseClientOptions {
  wants: SseFilter;
  limits: SseClientLimits;
  counters: SseCounters;
  onGone: (client: SseClient) => void;
}

/** One connection: what it was sent, whether it keeps up, and when it is given up. */
export class SseClient {
  readonly wants: SseFilter;
  /** Set once it has caught up with the log and takes part in each flush. */
  live = false;
  /** How far it has read, while that is further than what was dispatched: all up to there it has. */
  ahead: Cursor | undefined;
  readonly #connection: SseConnection;
  readonly #limits: SseClientLimits;
  readonly #counters: SseCounters;
  readonly #onGone: (client: SseClient) => void;
  readonly #waiting = new Set<() => void>();
  #stall: NodeJS.Timeout | undefined;
  #state: "open" | "ending" | "gone" = "open";

  constructor(connection: SseConnection, options: SseClientOptions) {
    this.wants = options.wants;
    this.#connection = connection;
    this.#limits = options.limits;
    this.#counters = options.counters;
    this.#onGone = options.onGone;
    connection.onDrain(() => this.#flowAgain());
    connection.onClose(() => this.#leave());
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the connection has not yet sent all it was given. */
  get stalled(): boolean {
    return this.#stall !== undefined;
  }

  /** Whether `chunk` would take the queue past its limit. */
  overflows(chunk: Uint8Array): boolean {
    return this.#connection.queuedBytes + chunk.length > this.#limits.maxQueuedBytes;
  }

  /** `events` is the number of events in `chunk`. Never throws: a client that cannot follow is dropped. */
  write(chunk: Uint8Array, events = 0): void {
    if (!this.isOpen) return;
    if (this.stalled && this.overflows(chunk)) {
      this.drop("slow_bytes");
      return;
    }
    try {
      if (!this.#connection.write(chunk)) this.#startStall();
      this.#counters.bytes += chunk.length;
      this.#counters.delivered += events;
    } catch {
      this.drop("write_failed");
    }
  }

  /** Resolves once the connection takes more, or is closed. */
  async drained(): Promise<void> {
    if (this.stalled) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Takes nothing more; what is queued is sent first. */
  end(): void {
    if (!this.isOpen) return;
    this.#state = "ending";
    this.live = false;
    this.#connection.end();
  }

  drop(reason: SseDropReason): void {
    if (this.#state === "gone") return;
    this.#counters.dropped[reason]++;
    this.#connection.destroy();
    this.#leave();
  }

  #leave(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.live = false;
    this.#flowAgain();
    this.#onGone(this);
  }

  #startStall(): void {
    this.#stall ??= setTimeout(() => this.drop("slow_time"), this.#limits.maxStallMs).unref();
  }

  #flowAgain(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }
}
