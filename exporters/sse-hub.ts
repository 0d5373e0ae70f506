import { isBeyond } from "../src/event/cursor.ts";
import type { EventFilter } from "../src/event/event-filter.ts";
import type { Cursor, EventRecord } from "../src/event/event-log.ts";
import type { EventSink } from "../src/event/event-sink.ts";
import { SseAudiences } from "./sse-audience.ts";
import {
  createSseCounters,
  SseClient,
  type SseConnection,
  type SseCounters,
  type SseEndReason,
  type SseFilter,
} from "./sse-client.ts";
import { departEvenly } from "./sse-departure.ts";
import { encodeFrame, encodeHeartbeat, encodeLater, type LaterReason } from "./sse-frame.ts";
import { type SseHubOptions, type SseSettings, settingsOf } from "./sse-options.ts";
import { SsePace } from "./sse-pace.ts";
import { SsePages, STRETCH_BYTES } from "./sse-pages.ts";
import { SseReplay, type SseReplaySource } from "./sse-replay.ts";
import { SseReplays } from "./sse-replays.ts";
import { concatFrames, type FramedRecord, SseWindow } from "./sse-window.ts";

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
const REFUSED_RETRY_MS = { full: [10_000, 30_000], closing: SHUTDOWN_RETRY_MS } as const;
const LIFETIME_RETRY_MS = [100, 1_000] as const;

/** Heartbeats sent before the event loop has its turn. */
const BEATS_AT_ONCE = 128;

export class SseHub implements EventSink {
  readonly name = "sse";
  readonly #settings: SseSettings;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #window = new SseWindow();
  readonly #audiences = new SseAudiences();
  readonly #clients = new Set<SseClient>();
  readonly #counters = createSseCounters();
  /** The last record dispatched, and the last one flushed to the clients. */
  #latest: Cursor | undefined;
  #flushed: Cursor | undefined;
  /** Of the frames that wait, in UTF-16 code units. */
  #pendingLength = 0;
  readonly #pace: SsePace;
  readonly #replaySource: SseReplaySource;
  readonly #replays: SseReplays;
  #lastHeartbeat = { cursor: undefined as Cursor | undefined, bytes: encodeHeartbeat(undefined) };
  #shutdown: Promise<void> | undefined;
  #onEmpty = () => {};

  constructor(options: SseHubOptions) {
    this.#settings = settingsOf(options);
    const { log, heartbeatMs, maxDelayMs, maxReadMs, now } = this.#settings;
    this.#pace = new SsePace({ flush: () => this.#flush(), maxDelayMs, now });
    const pages = new SsePages(this.#window);
    this.#replays = new SseReplays(pages, maxReadMs);
    this.#replaySource = {
      log,
      pages,
      onResync: () => void this.#counters.resyncs++,
      isBehind: (position) => this.#isBehind(position),
      isCurrent: (position) => this.#latest !== undefined && !this.#isBehind(position),
      join: (client, position, exhausted) => this.#join(client, position, exhausted),
    };
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
    this.#findStart();
  }

  /**
   * Sent at the end of this tick, together with what else comes in it; up to `maxDelayMs` later under load.
   * @throws INVALID_FRAME
   */
  onEvent(record: EventRecord): void {
    if (this.#shutdown !== undefined) return;
    this.#latest = record.cursor;
    if (this.#clients.size === 0) {
      this.#flushed = record.cursor;
      return;
    }
    this.#pace.request();
    const framed = this.#window.push(record);
    this.#pendingLength += framed.text.length;
    if (this.#pendingLength >= STRETCH_BYTES) this.#pace.hurry();
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
    if (this.#shutdown !== undefined) return this.#refuse(connection, "closing");
    if (this.#clients.size >= this.#settings.maxClients) return this.#refuse(connection, "full");
    const client = new SseClient(connection, {
      wants,
      limits: this.#settings,
      counters: this.#counters,
      expiresAt: this.#expiry(),
      onGone: this.#onGone,
    });
    if (client.isOpen) this.#admit(client, options.after);
    return () => client.end("disconnected");
  }

  stats(): SseStats {
    const { ended, dropped, ...counters } = this.#counters;
    return { clients: this.#clients.size, ...counters, ended: { ...ended }, dropped: { ...dropped } };
  }

  async forceFlush(): Promise<void> {
    this.#pace.run();
  }

  /**
   * Ends all connections one after the other, and tells each client another time to come back, so that
   * they do not all return at once. What is still connected after `deadlineMs` is cut off. Idempotent.
   */
  shutdown({
    deadlineMs = this.#settings.shutdownMs,
  }: {
    deadlineMs?: number | undefined;
  } = {}): Promise<void> {
    this.#shutdown ??= this.#endAll(deadlineMs);
    return this.#shutdown;
  }

  /** Clients that connect before anything is dispatched need a cursor, too. */
  async #findStart(): Promise<void> {
    try {
      const bounds = this.#settings.log.bounds();
      const { latest } = bounds instanceof Promise ? await bounds : bounds;
      if (this.#latest !== undefined) return;
      this.#latest = latest;
      this.#flushed = latest;
      this.#beat();
    } catch {
      // Then they get their first cursor with the first event.
    }
  }

  #expiry(): number {
    const { maxLifetimeMs, now, random } = this.#settings;
    return maxLifetimeMs === 0 ? Number.POSITIVE_INFINITY : now() + maxLifetimeMs * (1 - random() / 4);
  }

  #admit(client: SseClient, after: Cursor | undefined): void {
    this.#clients.add(client);
    this.#audiences.add(client);
    if (after === undefined) this.#goLive(client, this.#latest);
    else this.#replay(client, after);
  }

  #refuse(connection: SseConnection, reason: LaterReason): () => void {
    this.#counters.dropped.refused++;
    connection.write(encodeLater(reason, between(REFUSED_RETRY_MS[reason], this.#settings.random())));
    const cutOff = setTimeout(() => connection.destroy(), this.#settings.maxStallMs).unref();
    connection.onClose(() => clearTimeout(cutOff));
    connection.end();
    return () => {};
  }

  readonly #onGone = (client: SseClient): void => {
    this.#clients.delete(client);
    this.#audiences.remove(client);
    if (this.#clients.size > 0) return;
    this.#window.clear();
    this.#onEmpty();
  };

  #replay(client: SseClient, after: Cursor): void {
    client.live = false;
    client.ahead = undefined;
    this.#replays.add(new SseReplay(client, after, this.#replaySource));
  }

  #join(client: SseClient, position: Cursor, exhausted: boolean): boolean {
    const missed = this.#window.after(position);
    if (missed !== undefined) {
      const wanted = missed.filter(({ record }) => client.wants.matches(record.event));
      const chunk = concatFrames(wanted);
      if (chunk.length > STRETCH_BYTES && !exhausted) return false;
      if (chunk.length > 0) client.write(chunk, wanted.length);
      this.#goLive(client, this.#latest);
    } else {
      if (!exhausted && this.#isBehind(position)) return false;
      this.#goLive(client, position);
    }
    return true;
  }

  /** From here on it gets what lies past `position`: what waits to be flushed may hold some that does not. */
  #goLive(client: SseClient, position: Cursor | undefined): void {
    if (!client.isOpen) return;
    client.live = true;
    client.ahead = position === this.#flushed ? undefined : position;
    this.#beatFor(client);
  }

  /** One write per client for all that came since the last flush. */
  #flush(): void {
    const before = this.#flushed;
    this.#flushed = this.#latest;
    this.#pendingLength = 0;
    for (const audience of this.#audiences) {
      const { pending } = audience;
      if (pending.length === 0) continue;
      audience.pending = [];
      const chunk = concatFrames(pending);
      // A client that keeps up has little queued, which is asked for only where it could matter.
      const isLarge = chunk.length > this.#settings.maxQueuedBytes / 2;
      for (const client of audience.clients) {
        if (!client.live) continue;
        if (isLarge || client.ahead !== undefined) this.#deliver(client, pending, chunk, before);
        else client.write(chunk, pending.length);
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
    this.#pace.run();
    this.#beatGroup([...this.#clients], this.#settings.now());
  }

  #beatGroup(clients: readonly SseClient[], now: number): void {
    for (const client of clients.slice(0, BEATS_AT_ONCE)) {
      if (!client.live || client.stalled) continue;
      if (client.expiresAt <= now) this.#dismiss(client, "lifetime", LIFETIME_RETRY_MS);
      else this.#beatFor(client);
    }
    const rest = clients.slice(BEATS_AT_ONCE);
    if (rest.length > 0) setImmediate(() => this.#beatGroup(rest, now));
  }

  #beatFor(client: SseClient): void {
    const flushed = this.#flushed;
    const { ahead } = client;
    if (ahead !== undefined && flushed !== undefined && isBeyond(flushed, ahead)) client.ahead = undefined;
    client.write(this.#heartbeatAt(client.ahead ?? flushed));
  }

  /** Most clients are at the same place. */
  #heartbeatAt(cursor: Cursor | undefined): Buffer {
    if (this.#lastHeartbeat.cursor !== cursor) {
      this.#lastHeartbeat = { cursor, bytes: encodeHeartbeat(cursor) };
    }
    return this.#lastHeartbeat.bytes;
  }

  #isBehind(position: Cursor): boolean {
    return this.#latest !== undefined && isBeyond(this.#latest, position);
  }

  async #endAll(deadlineMs: number): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#pace.run();
    if (this.#clients.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    // Half of the time to spread the ends over, half to send what is queued.
    const stop = departEvenly([...this.#clients], {
      spreadMs: deadlineMs / 2,
      now: this.#settings.now,
      dismiss: (client) => this.#dismiss(client, "shutdown", SHUTDOWN_RETRY_MS),
    });
    const cutOff = setTimeout(() => this.#cutOff(), deadlineMs).unref();
    await emptied;
    stop();
    clearTimeout(cutOff);
  }

  /** Each is told a time of its own to come back. */
  #dismiss(client: SseClient, reason: SseEndReason, retryMs: readonly [number, number]): void {
    client.write(Buffer.from(encodeFrame({ retry: between(retryMs, this.#settings.random()) })));
    client.end(reason);
  }

  #cutOff(): void {
    for (const client of this.#clients) client.drop("shutdown_deadline");
  }
}

function between([least, most]: readonly [number, number], fraction: number): number {
  return least + Math.floor(fraction * (most - least));
}
