import { invalidArgument } from "../src/errors.ts";
import { isBeyond } from "../src/event/cursor.ts";
import type { EventFilter } from "../src/event/event-filter.ts";
import type { Cursor, EventLog, EventRecord } from "../src/event/event-log.ts";
import type { EventSink } from "../src/event/event-sink.ts";
import { SseAudiences } from "./sse-audience.ts";
import {
  createSseCounters,
  SseClient,
  type SseClientLimits,
  type SseConnection,
  type SseCounters,
  type SseFilter,
} from "./sse-client.ts";
import { encodeFrame, encodeHeartbeat } from "./sse-frame.ts";
import { CHUNK_BYTES, SseReplay, type SseReplaySource } from "./sse-replay.ts";
import { concatFrames, type FramedRecord, SseWindow } from "./sse-window.ts";

export interface SseHubOptions {
  /** Where clients that come back read what they missed. */
  log: EventLog;
  /** Milliseconds between heartbeats. Default: 15,000. */
  heartbeatMs?: number | undefined;
  /** Clients at once; more are asked to come back later. Default: 1,000. */
  maxClients?: number | undefined;
  /** Bytes queued for a client that stalls before it is dropped. Default: 1 MiB. */
  maxQueuedBytes?: number | undefined;
  /** Milliseconds that a client may stall before it is dropped. Default: 30,000. */
  maxStallMs?: number | undefined;
  /** Milliseconds within which `shutdown` ends all connections. Default: 1,000. */
  shutdownMs?: number | undefined;
  /** From 0 up to 1; spreads reconnects. Default: `Math.random`. */
  random?: (() => number) | undefined;
}

export interface SseConnectOptions {
  /**
   * Replay what came after this cursor first; `oldest`: all that the log holds. Default: only what comes
   * from now on.
   */
  after?: Cursor | undefined;
  /** Made by `compile`. Default: everything is wanted. */
  filter?: SseFilter | undefined;
}

export interface SseStats extends SseCounters {
  /** Connected now. */
  clients: number;
}

/** Milliseconds, least and most, after which clients are told to come back. */
const SHUTDOWN_RETRY_MS = [1_000, 5_000] as const;
const REFUSED_RETRY_MS = [10_000, 30_000] as const;

export class SseHub implements EventSink {
  readonly name = "sse";
  readonly #log: EventLog;
  readonly #limits: SseClientLimits;
  readonly #maxClients: number;
  readonly #shutdownMs: number;
  readonly #random: () => number;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #window = new SseWindow();
  readonly #audiences = new SseAudiences();
  readonly #clients = new Set<SseClient>();
  readonly #counters = createSseCounters();
  /** The last record dispatched, and the last one flushed to the clients. */
  #latest: Cursor | undefined;
  #flushed: Cursor | undefined;
  #flushScheduled = false;
  readonly #replaySource: SseReplaySource;
  #shutdown: Promise<void> | undefined;
  #onEmpty = () => {};

  constructor(options: SseHubOptions) {
    this.#log = options.log;
    this.#maxClients = requirePositive("maxClients", options.maxClients ?? 1_000);
    this.#shutdownMs = requirePositive("shutdownMs", options.shutdownMs ?? 1_000);
    this.#random = options.random ?? Math.random;
    this.#limits = {
      maxQueuedBytes: requirePositive("maxQueuedBytes", options.maxQueuedBytes ?? 1024 * 1024),
      maxStallMs: requirePositive("maxStallMs", options.maxStallMs ?? 30_000),
    };
    this.#replaySource = {
      log: this.#log,
      window: this.#window,
      onResync: () => void this.#counters.resyncs++,
      isBehind: (position) => this.#isBehind(position),
      join: (client, position, exhausted) => this.#join(client, position, exhausted),
    };
    const heartbeatMs = requirePositive("heartbeatMs", options.heartbeatMs ?? 15_000);
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
    this.#findStart();
  }

  /** Sent at the end of this tick, together with what else comes in it. @throws INVALID_FRAME */
  onEvent(record: EventRecord): void {
    if (this.#shutdown !== undefined) return;
    this.#latest = record.cursor;
    if (this.#clients.size === 0) {
      this.#flushed = record.cursor;
      return;
    }
    this.#scheduleFlush();
    const framed = this.#window.push(record);
    for (const audience of this.#audiences) {
      if (audience.wants.matches(record.event)) audience.pending.push(framed);
    }
  }

  /** What `connect` takes. @throws INVALID_ARGUMENT when the filter names an unknown type */
  compile(filter: EventFilter): SseFilter {
    return this.#audiences.compile(filter);
  }

  /** Adds a client until the returned function is called or the connection closes. */
  connect(connection: SseConnection, options: SseConnectOptions = {}): () => void {
    const wants = options.filter ?? this.compile({});
    if (this.#shutdown !== undefined || this.#clients.size >= this.#maxClients) {
      return this.#refuse(connection);
    }
    const client = new SseClient(connection, {
      wants,
      limits: this.#limits,
      counters: this.#counters,
      onGone: (gone) => this.#remove(gone),
    });
    if (client.isOpen) this.#admit(client, options.after);
    return () => client.end();
  }

  stats(): SseStats {
    const { dropped, ...counters } = this.#counters;
    return { clients: this.#clients.size, ...counters, dropped: { ...dropped } };
  }

  async forceFlush(): Promise<void> {
    this.#flush();
  }

  /**
   * Ends all connections one after the other, and tells each client another time to come back, so that
   * they do not all return at once. What is still connected after `deadlineMs` is cut off. Idempotent.
   */
  shutdown({ deadlineMs = this.#shutdownMs }: { deadlineMs?: number | undefined } = {}): Promise<void> {
    this.#shutdown ??= this.#endAll(deadlineMs);
    return this.#shutdown;
  }

  /** Clients that connect before anything is dispatched need a cursor, too. */
  async #findStart(): Promise<void> {
    try {
      const bounds = this.#log.bounds();
      const { latest } = bounds instanceof Promise ? await bounds : bounds;
      if (this.#latest !== undefined) return;
      this.#latest = latest;
      this.#flushed = latest;
      this.#beat();
    } catch {
      // Then they get their first cursor with the first event.
    }
  }

  #admit(client: SseClient, after: Cursor | undefined): void {
    this.#flush();
    this.#clients.add(client);
    this.#audiences.add(client);
    if (after === undefined) this.#goLive(client);
    else this.#replay(client, after);
  }

  #refuse(connection: SseConnection): () => void {
    this.#counters.dropped.refused++;
    const retry = between(REFUSED_RETRY_MS, this.#random());
    connection.write(Buffer.from(encodeFrame({ comment: "no room now, come back later", retry })));
    connection.end();
    return () => {};
  }

  #remove(client: SseClient): void {
    this.#clients.delete(client);
    this.#audiences.remove(client);
    if (this.#clients.size > 0) return;
    this.#window.clear();
    this.#onEmpty();
  }

  #replay(client: SseClient, after: Cursor): void {
    client.live = false;
    client.ahead = undefined;
    const replay = new SseReplay(client, after, this.#replaySource);
    replay.run().catch(() => client.drop("log_failed"));
  }

  #join(client: SseClient, position: Cursor, exhausted: boolean): boolean {
    this.#flush();
    const missed = this.#window.after(position);
    if (missed !== undefined) {
      const wanted = missed.filter(({ record }) => client.wants.matches(record.event));
      const chunk = concatFrames(wanted);
      if (chunk.length > CHUNK_BYTES && !exhausted) return false;
      if (chunk.length > 0) client.write(chunk, wanted.length);
    } else if (position !== this.#latest) {
      if (!exhausted && this.#isBehind(position)) return false;
      client.ahead = position;
    }
    this.#goLive(client);
    return true;
  }

  #goLive(client: SseClient): void {
    if (!client.isOpen) return;
    client.live = true;
    this.#beatFor(client);
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => this.#flush());
  }

  /** One write per client for all that came since the last flush. */
  #flush(): void {
    this.#flushScheduled = false;
    const before = this.#flushed;
    this.#flushed = this.#latest;
    for (const audience of this.#audiences) {
      const { pending } = audience;
      if (pending.length === 0) continue;
      audience.pending = [];
      const chunk = concatFrames(pending);
      for (const client of audience.clients) {
        if (client.live) this.#deliver(client, pending, chunk, before);
      }
    }
  }

  #deliver(client: SseClient, records: FramedRecord[], chunk: Buffer, before: Cursor | undefined): void {
    const { ahead } = client;
    const from = ahead ?? before;
    if (from !== undefined && !client.stalled && client.overflows(chunk)) {
      // More came at once than may be queued: the client reads it from the log, at its own pace.
      this.#replay(client, from);
    } else if (ahead === undefined) {
      client.write(chunk, records.length);
    } else {
      const news = records.filter(({ record }) => isBeyond(record.cursor, ahead));
      if (news.length === 0) return;
      client.ahead = undefined;
      client.write(concatFrames(news), news.length);
    }
  }

  #beat(): void {
    this.#flush();
    for (const client of this.#clients) {
      if (client.live && !client.stalled) this.#beatFor(client);
    }
  }

  #beatFor(client: SseClient): void {
    if (client.ahead !== undefined && this.#isBehind(client.ahead)) client.ahead = undefined;
    client.write(encodeHeartbeat(client.ahead ?? this.#latest));
  }

  #isBehind(position: Cursor): boolean {
    return this.#latest !== undefined && isBeyond(this.#latest, position);
  }

  async #endAll(deadlineMs: number): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#flush();
    if (this.#clients.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    // Half of the time to spread the ends over, half to send what is queued.
    const stepMs = deadlineMs / 2 / this.#clients.size;
    const timers = [...this.#clients].map((client, index) =>
      setTimeout(() => this.#dismiss(client), index * stepMs).unref(),
    );
    timers.push(setTimeout(() => this.#cutOff(), deadlineMs).unref());
    await emptied;
    for (const timer of timers) clearTimeout(timer);
  }

  #dismiss(client: SseClient): void {
    client.write(Buffer.from(encodeFrame({ retry: between(SHUTDOWN_RETRY_MS, this.#random()) })));
    client.end();
  }

  #cutOff(): void {
    for (const client of this.#clients) client.drop("shutdown_deadline");
  }
}

function between([least, most]: readonly [number, number], fraction: number): number {
  return least + Math.floor(fraction * (most - least));
}

function requirePositive(path: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0)) throw invalidArgument(path, "a positive number", value);
  return value;
}
