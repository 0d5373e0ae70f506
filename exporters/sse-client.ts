import type { EventFilter, EventPredicate } from "../src/event/event-filter.ts";
import type { Cursor } from "../src/event/event-log.ts";

/**
 * What the hub needs of a transport. The bridge implements it on an HTTP response; anything that takes
 * bytes and tells when it is full will do.
 */
export interface SseConnection {
  /** Bytes that `write` took and that have not left this process. */
  readonly queuedBytes: number;
  /** False when the bytes had to be queued: more had better wait for `onDrain`. They are sent anyway. */
  write(chunk: Uint8Array): boolean;
  /** `listener` is called each time the queue has emptied after `write` returned false. */
  onDrain(listener: () => void): void;
  /** `listener` is called once, however the connection came to its end. */
  onClose(listener: () => void): void;
  /** Ends the connection once everything queued is sent. */
  end(): void;
  /** Ends the connection at once. */
  destroy(): void;
}

/** What a client wants to see, as `SseHub.compile` makes it. */
export interface SseFilter {
  /** Equal for filters that let the same events through, in whatever order they list them. */
  readonly signature: string;
  readonly filter: EventFilter;
  readonly matches: EventPredicate;
}

/** Why a client was cut off or not let in; it may come back and replay. */
const DROP_REASONS = [
  /** Its queue was full, and more came than may be queued. */
  "slow_bytes",
  /** Its queue did not empty in time. */
  "slow_time",
  /** The log could not be read for it. */
  "log_failed",
  /** Its connection threw. */
  "write_failed",
  /** As many clients as allowed were connected, or the feed was closing. */
  "refused",
  /** It was still connected when shutdown ran out of time. */
  "shutdown_deadline",
] as const;

export type SseDropReason = (typeof DROP_REASONS)[number];

/** What the clients of one hub count together. */
export interface SseCounters {
  /** Events sent, counted per client. */
  delivered: number;
  dropped: Record<SseDropReason, number>;
  /** Times a client was told that it cannot go on where it left off. */
  resyncs: number;
  /** All bytes sent, heartbeats included. */
  bytes: number;
}

export function createSseCounters(): SseCounters {
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0]));
  return { delivered: 0, dropped: dropped as SseCounters["dropped"], resyncs: 0, bytes: 0 };
}

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
