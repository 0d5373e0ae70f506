import { setTimeout as delay } from "node:timers/promises";
import { invalidArgument, OrchestraError, reasonOf } from "../errors.ts";
import { formatCursor } from "../event/cursor.ts";
import type {
  Cursor,
  EventLog,
  EventLogBounds,
  EventPage,
  EventRecord,
  MaybePromise,
  ReadOptions,
  UnplacedEvent,
} from "../event/event-log.ts";
import { nextTurn } from "../event/next-turn.ts";
import type { Store } from "../store/store.ts";
import { EventBlocks } from "./sqlite-blocks.ts";
import { EventTable } from "./sqlite-events.ts";
import { Fallback } from "./sqlite-fallback.ts";
import { ForeignFeed } from "./sqlite-foreign.ts";
import type { Lease } from "./sqlite-open-jobs.ts";
import { LogReader } from "./sqlite-reader.ts";
import type { SqliteRetention } from "./sqlite-retention.ts";
import { openSchema } from "./sqlite-schema.ts";
import { LogWriter } from "./sqlite-writer.ts";

export interface SqliteEventLogOptions {
  /** Where the log lies. The log does not close it, as others may share it. */
  store: Store;
  /** What answers for the jobs that this process begins. Default: nothing does. */
  lease?: Lease | undefined;
  retention?: SqliteRetention | undefined;
  /** Milliseconds between two looks for what other processes wrote. Default: 100. */
  pollIntervalMs?: number | undefined;
  /** Events kept in memory while the file cannot be written; the oldest go first. Default: 10,000. */
  maxWaiting?: number | undefined;
  /** Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** From 0 up to 1; keeps apart what several processes number while they cannot write. */
  random?: (() => number) | undefined;
  /** Told when the file can no longer be written, and when it can again. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface SqliteEventLogStats {
  file: string;
  /** Held in the file, about: retention of other processes counts when we next look. */
  events: number;
  bytes: number;
  /** Whether events go to memory because the file cannot be written. */
  degraded: boolean;
  /** Whether the file was moved, deleted or replaced under us, so that nothing more is written to it. */
  detached: boolean;
  /** Events in memory that the file does not have yet. */
  waiting: number;
  /** Events that waited and were written since. */
  writtenThrough: number;
  /** Events that were shown but are not in the file and never will be. */
  lostToDisk: number;
  failures: { write: number; read: number };
  /** Rows that were not what was written, each time they were met. */
  unreadable: number;
  lastError: string | undefined;
}

export interface SqliteEventLog extends EventLog {
  read(options?: ReadOptions): EventPage;
  bounds(): EventLogBounds;
  /** The place after which the last `count` events of the file lie, and what waits in memory. */
  tail(count: number): Cursor;
  watch(listener: (records: readonly EventRecord[]) => void): () => void;
  stats(): SqliteEventLogStats;
}

/** Waiting events written through in one transaction. */
const CHUNK = 500;
/** How long a flush waits for a file that others keep locked. */
const FLUSH_PATIENCE_MS = 250;
const FLUSH_RETRY_MS = 20;

/**
 * The durable log, in a file that several processes may write at once. Each batch is one transaction.
 * While the file cannot be written, events go on from memory.
 * @throws INVALID_ARGUMENT for a bad option, INVALID_CONFIG when a newer version made the file, and what
 * SQLite throws when there is no log yet and none can be made
 */
export function createSqliteEventLog(options: SqliteEventLogOptions): SqliteEventLog {
  return new FileEventLog(options);
}

class FileEventLog implements SqliteEventLog {
  readonly #file: string;
  readonly #store: Store;
  readonly #epoch: string;
  readonly #events: EventTable;
  readonly #reader: LogReader;
  readonly #writer: LogWriter;
  readonly #foreign: ForeignFeed;
  readonly #maxWaiting: number;
  readonly #random: () => number;
  readonly #warn: (message: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #failures = { write: 0, read: 0 };
  #fallback: Fallback | undefined;
  #writtenThrough = 0;
  #lost = 0;
  #lastError: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteEventLogOptions) {
    const { store, now = Date.now, random = Math.random, onWarning = () => {} } = options;
    this.#maxWaiting = requireCount("maxWaiting", options.maxWaiting ?? 10_000);
    const pollIntervalMs = requireCount("pollIntervalMs", options.pollIntervalMs ?? 100);
    this.#file = store.file;
    this.#store = store;
    this.#random = random;
    this.#warn = onWarning;
    this.#epoch = openSchema(store).epoch;
    this.#events = new EventTable(store);
    const parts = { events: this.#events, blocks: new EventBlocks(store, this.#events) };
    this.#reader = new LogReader(this.#epoch, parts);
    const { lease, retention } = options;
    this.#writer = new LogWriter(store, { ...parts, lease, retention, now });
    this.#foreign = new ForeignFeed(this.#reader, (error) => this.#note(error));
    this.#timer = setInterval(() => this.#tick(), pollIntervalMs).unref();
    if (store.isLocked) this.#fallBack(new Error("database is locked"));
  }

  append(batch: readonly UnplacedEvent[]): MaybePromise<(Cursor | undefined)[]> {
    if (this.#closing !== undefined) throw new OrchestraError("CLOSED", "The event log is closed");
    if (batch.length === 0) return [];
    if (this.#fallback !== undefined) return this.#keep(this.#fallback, batch);
    try {
      const written = this.#writer.write(batch, this.#reader, { seen: this.#foreign.seen });
      if (written === undefined) return this.#appendLater(batch);
      this.#foreign.advance(written.foreign, written.end.sequence);
      return this.#cursors(written.placed);
    } catch (error) {
      return this.#keep(this.#fallBack(error), batch);
    }
  }

  read(options: ReadOptions = {}): EventPage {
    return this.#reading(() => this.#reader.read(options, this.#fallback?.waiting));
  }

  bounds(): EventLogBounds {
    return this.#reading(() => this.#reader.bounds(this.#fallback?.waiting));
  }

  tail(count: number): Cursor {
    return this.#reading(() => this.#reader.tail(count, this.#fallback?.waiting));
  }

  watch(listener: (records: readonly EventRecord[]) => void): () => void {
    return this.#foreign.watch(listener);
  }

  stats(): SqliteEventLogStats {
    const waiting = this.#fallback?.waiting;
    return {
      file: this.#file,
      ...this.#held(),
      degraded: waiting !== undefined,
      detached: this.#store.isDetached,
      waiting: waiting?.size ?? 0,
      writtenThrough: this.#writtenThrough,
      lostToDisk: this.#lost + (waiting?.lost ?? 0),
      failures: { ...this.#failures },
      unreadable: this.#reader.unreadable,
      lastError: this.#lastError,
    };
  }

  flush(): Promise<void> {
    return this.#flush(FLUSH_PATIENCE_MS);
  }

  async #flush(patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (this.#fallback !== undefined) {
      const { size } = this.#fallback.waiting;
      if (size === 0) return;
      if (this.#writeThrough(this.#fallback)) await nextTurn();
      else if (this.#store.isLocked && performance.now() < deadline) await delay(FLUSH_RETRY_MS);
      else throw new OrchestraError("UNAVAILABLE", `${size} events are only in memory: ${this.#lastError}`);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      // Whoever wanted to wait has flushed.
      await this.#flush(0);
    } catch {
      // Told of when it began; what is lost by it is counted.
      const { size = 0, lost = 0 } = this.#fallback?.waiting ?? {};
      this.#lost += size + lost;
    }
    this.#fallback = undefined;
  }

  /** Others wrote much while we did not look: theirs first, without holding up the thread. */
  async #appendLater(batch: readonly UnplacedEvent[]): Promise<(Cursor | undefined)[]> {
    this.#reading(() => this.#foreign.poll());
    await nextTurn();
    return this.append(batch);
  }

  #keep(fallback: Fallback, batch: readonly UnplacedEvent[]): (Cursor | undefined)[] {
    return this.#cursors(fallback.add(batch, (id) => this.#holds(id)));
  }

  /** Unknown counts as no: to take an event twice is better than to lose it. */
  #holds(id: string): boolean {
    try {
      return this.#events.holds(id);
    } catch {
      return false;
    }
  }

  #cursors(placed: readonly (number | undefined)[]): (Cursor | undefined)[] {
    return placed.map((sequence) =>
      sequence === undefined ? undefined : formatCursor(this.#epoch, sequence),
    );
  }

  #fallBack(error: unknown): Fallback {
    this.#failures.write++;
    this.#note(error);
    // The store has told of the rest.
    if (!this.#store.isDetached) {
      this.#warn(
        `The event log ${this.#file} cannot be written (${this.#lastError}). The feed goes on, and up to ` +
          `${this.#maxWaiting} events wait in memory.`,
      );
    }
    this.#fallback = new Fallback({
      fileEnd: this.#reader.lastKnownEnd(),
      maxWaiting: this.#maxWaiting,
      random: this.#random,
    });
    return this.#fallback;
  }

  /** Writes some of what waits. Returns whether that was possible. */
  #writeThrough(fallback: Fallback): boolean {
    const { waiting, fileEnd: keepAfter } = fallback;
    const events = waiting.first(CHUNK);
    const reserve = events.length < waiting.size ? fallback.reserve : undefined;
    try {
      const options = { seen: this.#foreign.seen, placed: { keepAfter, reserve } };
      const written = this.#writer.write(events, this.#reader, options);
      if (written === undefined) {
        this.#foreign.poll();
        return true;
      }
      waiting.remove(events);
      this.#writtenThrough += events.length;
      fallback.written(written.end.sequence, written);
      this.#foreign.advance(written.foreign, written.end.sequence);
    } catch (error) {
      this.#failures.write++;
      this.#note(error);
      fallback.pause(this.#store);
      return false;
    }
    if (waiting.size === 0) this.#recovered(waiting.lost);
    return true;
  }

  #recovered(lost: number): void {
    this.#fallback = undefined;
    this.#lost += lost;
    this.#warn(`The event log ${this.#file} can be written again; ${lost} events were lost to it.`);
  }

  #tick(): void {
    try {
      if (this.#fallback?.isDue() ?? false) this.#writeThrough(this.#fallback as Fallback);
      // While we cannot write, what others write waits: it lies before what we have shown since.
      if (this.#fallback !== undefined) return;
      if (this.#foreign.poll()) setImmediate(() => this.#tick()).unref();
      const { isLocked, isDetached } = this.#store;
      if (!isLocked && !isDetached) this.#writer.trim();
    } catch (error) {
      this.#failures.read++;
      this.#note(error);
    }
  }

  /** @throws INTERNAL when the file cannot be read; what the arguments are to blame for as it is */
  #reading<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      if (cause instanceof OrchestraError) throw cause;
      this.#failures.read++;
      this.#note(cause);
      throw new OrchestraError("INTERNAL", `The event log ${this.#file} cannot be read: ${this.#lastError}`, {
        cause,
      });
    }
  }

  #note(error: unknown): void {
    this.#lastError = reasonOf(error);
  }

  #held(): { events: number; bytes: number } {
    try {
      const end = this.#events.end();
      const oldest = this.#events.oldest();
      if (oldest === undefined) return { events: 0, bytes: 0 };
      return { events: end.ordinal - oldest.ordinal + 1, bytes: end.bytes - oldest.start };
    } catch {
      return { events: 0, bytes: 0 };
    }
  }
}

function requireCount(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, "a whole number from 1", value);
  return value;
}
