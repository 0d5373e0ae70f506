/**
 * One embedded SQL database file that the durable event log and the span outbox share, so that what
 * belongs together is committed together. Two implementations (Node's and Bun's SQLite) are hidden
 * behind it.
 */
export interface Store {
  /** The database file. */
  readonly file: string;
  /** How the file was opened; undefined for a store in memory. */
  readonly opening: Opening | undefined;
  /** Whether what is committed outlives the process. */
  readonly isDurable: boolean;
  /** Whether another process kept the file locked when we last tried to write: then no attempt waits. */
  readonly isLocked: boolean;
  /** Whether the file was moved, deleted or replaced under us. Nothing is written until it is back. */
  readonly isDetached: boolean;
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  /** Compiles a statement, which is kept until the store is closed: make each once, and run it often. */
  prepare(sql: string): Statement;
  /**
   * Runs `work` in a write transaction, at once and whole: other processes wait (bounded by a busy
   * timeout), and when `work` throws nothing of it is kept. A nested call joins the outer one.
   * @throws UNAVAILABLE when the file is detached, and what SQLite throws
   */
  transaction<T>(work: () => T): T;
  /**
   * Calls `participant` inside every outermost transaction, after its work and before its commit, so
   * that what waits elsewhere is on disk at the same instant; a throw of its undoes the transaction.
   * `settled` is told afterwards whether the transaction was kept. Returns what ends it.
   */
  onCommit(participant: () => void, settled?: (kept: boolean) => void): () => void;
  /** Idempotent. */
  close(): void;
}

/** What a commit survives: see `StoreOptions`. */
export const SYNCHRONOUS = ["off", "normal", "full"] as const;
export type Synchronous = (typeof SYNCHRONOUS)[number];

/** How a file was found and is written. */
export interface Opening {
  /** The run of the system that we are in. */
  readonly boot: string;
  /** Whether its journal held something: others have it open, or its last user did not close it. */
  readonly hadJournal: boolean;
  readonly synchronous: Synchronous;
}

export type SqlValue = string | number | bigint | Uint8Array | null;

export interface Statement {
  /** Rows changed, and the row id of the last insert. */
  run(...parameters: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...parameters: SqlValue[]): Record<string, SqlValue> | undefined;
  all(...parameters: SqlValue[]): Record<string, SqlValue>[];
}
