import type { Database } from "./database.ts";
import { isBusy } from "./storage-error.ts";

/**
 * How long statements wait for a lock of another process. SQLite waits on our thread, so a file that
 * somebody keeps locked would hold it up at every attempt: after one wait in vain nobody waits any more,
 * until something could be written again.
 */
export class LockPatience {
  readonly #database: Database;
  readonly #timeoutMs: number;
  #isLocked: boolean;

  constructor(database: Database, timeoutMs: number, isLocked: boolean) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
    this.#isLocked = isLocked;
    this.#apply();
  }

  /** Whether the last attempt to write found the file locked. */
  get isLocked(): boolean {
    return this.#isLocked;
  }

  /** Does what may find the file locked. */
  guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (isBusy(error)) this.#set(true);
      throw error;
    }
  }

  /** Something was written. */
  succeeded(): void {
    this.#set(false);
  }

  #set(isLocked: boolean): void {
    if (this.#isLocked === isLocked) return;
    this.#isLocked = isLocked;
    this.#apply();
  }

  #apply(): void {
    this.#database.exec(`PRAGMA busy_timeout = ${this.#isLocked ? 0 : this.#timeoutMs}`);
  }
}
