import { invalidArgument } from "../src/errors.ts";
import type { EventLog } from "../src/event/event-log.ts";

export interface SseHubOptions {
  /** Where clients that come back read what they missed. */
  log: EventLog;
  /** Milliseconds between heartbeats. Default: 15,000. */
  heartbeatMs?: number | undefined;
  /** Clients at once; more are asked to come back later. Default: 1,000. */
  maxClients?: number | undefined;
  /** Bytes queued for a client that stalls before it is dropped. Default: 1 MiB. */
  maxQueuedBytes?: number | undefined;
  /** Milliseconds that a client may stall, or take to close, before it is cut off. Default: 30,000. */
  maxStallMs?: number | undefined;
  /** Milliseconds that the log may take for a page of a replay before its client is dropped. Default: 10,000. */
  maxReadMs?: number | undefined;
  /**
   * Milliseconds after which a connection is ended and its client asked to come back, so that clients
   * spread anew over the servers there are. Each draws its own from the last quarter before it; looked at
   * with each heartbeat. Default: 3,600,000; 0: never.
   */
  maxLifetimeMs?: number | undefined;
  /** Milliseconds that events may wait for others while the hub is busy. Default: 5; 0: never. */
  maxDelayMs?: number | undefined;
  /** Milliseconds within which `shutdown` ends all connections. Default: 1,000. */
  shutdownMs?: number | undefined;
  /** From 0 up to 1; spreads reconnects. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Milliseconds of a clock that only goes forward. Default: `performance.now`. */
  now?: (() => number) | undefined;
}

/** The options with their defaults. */
export type SseSettings = { readonly [K in keyof SseHubOptions]-?: NonNullable<SseHubOptions[K]> };

/** @throws INVALID_ARGUMENT naming the option */
export function settingsOf(options: SseHubOptions): SseSettings {
  return {
    log: options.log,
    heartbeatMs: positive("heartbeatMs", options.heartbeatMs ?? 15_000),
    maxClients: positive("maxClients", options.maxClients ?? 1_000),
    maxQueuedBytes: positive("maxQueuedBytes", options.maxQueuedBytes ?? 1024 * 1024),
    maxStallMs: positive("maxStallMs", options.maxStallMs ?? 30_000),
    maxReadMs: positive("maxReadMs", options.maxReadMs ?? 10_000),
    maxLifetimeMs: fromZero("maxLifetimeMs", options.maxLifetimeMs ?? 3_600_000),
    maxDelayMs: fromZero("maxDelayMs", options.maxDelayMs ?? 5),
    shutdownMs: positive("shutdownMs", options.shutdownMs ?? 1_000),
    random: options.random ?? Math.random,
    now: options.now ?? (() => performance.now()),
  };
}

function positive(path: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0)) throw invalidArgument(path, "a positive number", value);
  return value;
}

function fromZero(path: string, value: number): number {
  if (!(Number.isFinite(value) && value >= 0)) throw invalidArgument(path, "a number from 0", value);
  return value;
}
