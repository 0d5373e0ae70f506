import { OrchestraError } from "../errors.ts";
import type { Database } from "./database.ts";
import type { FilePlace } from "./file-place.ts";
import { LockPatience } from "./lock-patience.ts";
import type { Opening, Statement, Store } from "./store.ts";

export interface SqliteStoreOptions {
  /** How it was opened; undefined for one in memory. */
  opening?: Opening | undefined;
  /** Closed with the store. */
  place?: FilePlace | undefined;
  /** Default: 0. */
  busyTimeoutMs?: number | undefined;
  /** Whether somebody is known to keep the file locked. Default: no. */
  isLocked?: boolean | undefined;
}

interface Participant {
  join: () => void;
  settled: ((kept: boolean) => void) | undefined;
}

/** A store on one open connection. */
export class SqliteStore implements Store {
  readonly file: string;
  readonly opening: Opening | undefined;
  readonly #database: Database;
  readonly #place: FilePlace | undefined;
  readonly #patience: LockPatience;
  readonly #participants = new Set<Participant>();
  readonly #begin: Statement;
  readonly #commit: Statement;
  #inTransaction = false;
  #closed = false;

  constructor(file: string, database: Database, options: SqliteStoreOptions = {}) {
    const { opening, place, busyTimeoutMs = 0, isLocked = false } = options;
    this.file = file;
    this.opening = opening;
    this.#database = database;
    this.#place = place;
    this.#patience = new LockPatience(database, busyTimeoutMs, isLocked);
    // Immediate: a transaction that reads first and writes later could find itself out of date.
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  get isDurable(): boolean {
    return this.opening !== undefined;
  }

  get isLocked(): boolean {
    return this.#patience.isLocked;
  }

  get isDetached(): boolean {
    return this.#place?.isLeft ?? false;
  }

  exec(sql: string): void {
    this.#requireOpen();
    this.#requirePlace();
    this.#patience.guard(() => this.#database.exec(sql));
  }

  prepare(sql: string): Statement {
    this.#requireOpen();
    const statement = this.#patience.guard(() => this.#database.prepare(sql));
    return {
      run: (...parameters) =>
        this.#inTransaction ? statement.run(...parameters) : this.#write(() => statement.run(...parameters)),
      get: (...parameters) => this.#patience.guard(() => statement.get(...parameters)),
      all: (...parameters) => this.#patience.guard(() => statement.all(...parameters)),
    };
  }

  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.#requireOpen();
    this.#requirePlace();
    this.#patience.guard(() => this.#begin.run());
    this.#inTransaction = true;
    const participants = [...this.#participants];
    let kept = false;
    try {
      const result = work();
      for (const { join } of participants) join();
      this.#commit.run();
      kept = true;
      return result;
    } finally {
      if (kept) this.#patience.succeeded();
      else this.#rollBack();
      this.#inTransaction = false;
      for (const { settled } of participants) settled?.(kept);
    }
  }

  onCommit(participant: () => void, settled?: (kept: boolean) => void): () => void {
    const entry = { join: participant, settled };
    this.#participants.add(entry);
    return () => void this.#participants.delete(entry);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#place?.close();
    this.#database.close();
  }

  /** A transaction of a single statement. */
  #write<T>(run: () => T): T {
    this.#requirePlace();
    const result = this.#patience.guard(run);
    this.#patience.succeeded();
    return result;
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // A full disk or a failed read has ended the transaction already.
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new OrchestraError("CLOSED", "The store is closed");
  }

  /** Who opens the file where it lies now has another journal: to write on would tear it. */
  #requirePlace(): void {
    if (!this.isDetached) return;
    throw new OrchestraError("UNAVAILABLE", `The database ${this.file} was moved, deleted or replaced`);
  }
}
