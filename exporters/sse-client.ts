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
  /** The log could not be read for it, or not in time. */
  "log_failed",
  /** Its connection threw. */
  "write_failed",
  /** As many clients as allowed were connected, or the feed was closing. */
  "refused",
  /** It was still connected when shutdown ran out of time. */
  "shutdown_deadline",
] as const;

export type SseDropReason = (typeof DROP_REASONS)[number];

/** How a connection came to its end without harm. */
const END_REASONS = [
  /** The client went away. */
  "left",
  /** It had been connected for long enough, and was asked to come back. */
  "lifetime",
  /** The feed closed. */
  "shutdown",
  /** The host took it out. */
  "disconnected",
] as const;

export type SseEndReason = (typeof END_REASONS)[number];

/** What the clients of one hub count together. */
export interface SseCounters {
  /** Connections let in: those that are open, that have ended, and that were dropped after they were. */
  connected: number;
  ended: Record<SseEndReason, number>;
  /** Events sent, counted per client. */
  delivered: number;
  dropped: Record<SseDropReason, number>;
  /** Times a client was told that it cannot go on where it left off. */
  resyncs: number;
  /** All bytes sent, heartbeats included. */
  bytes: number;
}

export function createSseCounters(): SseCounters {
  return {
    connected: 0,
    ended: zeros(END_REASONS),
    delivered: 0,
    dropped: zeros(DROP_REASONS),
    resyncs: 0,
    bytes: 0,
  };
}

function zeros<R extends string>(reasons: readonly R[]): Record<R, number> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<R, number>;
}

export interface SseClientLimits {
  maxQueuedBytes: number;
  maxStallMs: number;
}

export interface SseClientOptions {
  wants: SseFilter;
  limits: SseClientLimits;
  counters: SseCounters;
  /** When it has been connected for long enough, on the hub's clock. */
  expiresAt: number;
  onGone: (client: SseClient) => void;
}

/** One connection: what it was sent, whether it keeps up, and when it is given up. */
export class SseClient {
  readonly wants: SseFilter;
  readonly expiresAt: number;
  /** Set once it has caught up with the log and takes part in each flush. */
  live = false;
  /** How far it has read, while that is further than what was dispatched: all up to there it has. */
  ahead: Cursor | undefined;
  readonly #connection: SseConnection;
  readonly #limits: SseClientLimits;
  readonly #counters: SseCounters;
  readonly #onGone: (client: SseClient) => void;
  #onFlowing: (() => void) | undefined;
  #stall: NodeJS.Timeout | undefined;
  #state: "open" | "ending" | "gone" = "open";
  #end: SseEndReason = "left";

  constructor(connection: SseConnection, options: SseClientOptions) {
    this.wants = options.wants;
    this.expiresAt = options.expiresAt;
    this.#connection = connection;
    this.#limits = options.limits;
    this.#counters = options.counters;
    this.#onGone = options.onGone;
    this.#counters.connected++;
    connection.onDrain(() => {
      // Who was ended must also close in time.
      if (this.isOpen) this.#flowAgain();
    });
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

  /** Calls back once the connection takes more, which may be now, or is closed. One waits at a time. */
  whenFlowing(callback: () => void): void {
    if (this.stalled) this.#onFlowing = callback;
    else callback();
  }

  /** Takes nothing more; what is queued is sent first, if that goes as fast as ever. */
  end(reason: SseEndReason): void {
    if (!this.isOpen) return;
    this.#state = "ending";
    this.#end = reason;
    this.live = false;
    this.#startStall();
    this.#connection.end();
  }

  drop(reason: SseDropReason): void {
    if (this.#state === "gone") return;
    this.#counters.dropped[reason]++;
    this.#depart();
    this.#connection.destroy();
  }

  #leave(): void {
    if (this.#state === "gone") return;
    this.#counters.ended[this.#end]++;
    this.#depart();
  }

  #depart(): void {
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
    const resume = this.#onFlowing;
    this.#onFlowing = undefined;
    resume?.();
  }
}
