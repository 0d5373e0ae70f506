import type { OrchestratorEvent } from "./event.ts";
import type { EventFilter } from "./event-filter.ts";

/**
 * A position in a log: `<epoch>-<sequence>`, `[A-Za-z0-9._-]`, at most 64 bytes. Cursors of one epoch
 * are totally ordered. A log takes a new epoch when history before it is lost, so an old cursor is
 * recognised instead of being mistaken for a place in the new history.
 */
export type Cursor = string;

/** An event in its place in the log, with its JSON encoded once for all who send it on. */
export interface EventRecord {
  readonly cursor: Cursor;
  readonly event: OrchestratorEvent;
  readonly json: string;
}

/** An event about to be appended. */
export type UnplacedEvent = Omit<EventRecord, "cursor">;

export interface EventLogBounds {
  /** Cursor of the oldest record still held; undefined while the log is empty. */
  readonly oldest: Cursor | undefined;
  /** Cursor of the last record ever appended: where a reader that wants only news starts. */
  readonly latest: Cursor;
}

export interface ReadOptions {
  /** Return records after this position. Default: from the oldest held. */
  after?: Cursor | undefined;
  /** At most this many records; fewer are no sign that there are no more. Default: 1,000. */
  limit?: number | undefined;
  filter?: EventFilter | undefined;
}

/** Why reading cannot go on where the reader left off. */
export type GapReason = "evicted" | "epoch" | "future" | "malformed";

export interface EventPage {
  readonly records: readonly EventRecord[];
  /** Where the next page starts: past the records that the filter left out, too. */
  readonly next: Cursor;
  /** Set when `after` cannot be continued from; the records then start at the oldest held. */
  readonly gap?: GapReason | undefined;
}

export type MaybePromise<T> = T | Promise<T>;

/**
 * The append-only truth. Implementations pass `test/conformance/event-log.ts`.
 *
 * `append` takes what one tick produced, in order, and returns a cursor for each event once the whole
 * batch can be read back; undefined for one whose id the log already holds, as delivery may be
 * repeated. When it throws or rejects, none of the batch is in the log.
 */
export interface EventLog {
  append(batch: readonly UnplacedEvent[]): MaybePromise<readonly (Cursor | undefined)[]>;
  read(options?: ReadOptions): MaybePromise<EventPage>;
  bounds(): MaybePromise<EventLogBounds>;
  /**
   * For logs that others write, too: calls `listener` with what they append from now on, in log order,
   * until the returned function is called. Records that lie before a place that `append` returns come
   * before it returns, or resolves; later ones not before the caller could act on that place.
   */
  watch?(listener: (records: readonly EventRecord[]) => void): () => void;
  /** Resolves when everything appended so far is as durable as this log makes it. */
  flush(): Promise<void>;
  /** Idempotent; appending afterwards throws CLOSED. */
  close(): Promise<void>;
}

export const DEFAULT_READ_LIMIT = 1_000;
