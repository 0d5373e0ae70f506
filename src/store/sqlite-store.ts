import { OrchestraError } from "../errors.ts";
import type { Database } from "./database.ts";
import type { Statement, Store } from "./store.ts";

interface Participant {
  join: () => void;
  settled: ((kept: boolean) => void) | undefined;
}

/** A store on one open connection. */
export class SqliteStore implements Store {
  readonly file: string;
  readonly isDurable: boolean;
  readonly #database: Database;
  readonly #participants = new Set<Participant>();
  readonly #begin: Statement;
  readonly #commit: Statement;
  #inTransaction = false;
  #closed = false;

  constructor(file: string, database: Database, { isDurable = true }: { isDurable?: boolean } = {}) {
    this.file = file;
    this.isDurable = isDurable;
    this.#database = database;
    // Immediate: a transaction that reads first and writes later could find itself out of date.
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  exec(sql: string): void {
    this.#requireOpen();
    this.#database.exec(sql);
  }

  prepare(sql: string): Statement {
    this.#requireOpen();
    return this.#database.prepare(sql);
  }

  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.#requireOpen();
    this.#begin.run();
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
      if (!kept) this.#rollBack();
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
    this.#database.close();
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
}
