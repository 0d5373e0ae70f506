import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { invalidArgument, OrchestraError } from "../errors.ts";
import { isDamaged, setAside, verify } from "./damage.ts";
import type { Database, OpenDatabase } from "./database.ts";
import { loadSqlite } from "./runtime-sqlite.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { isBusy } from "./storage-error.ts";
import type { Store } from "./store.ts";

const SYNCHRONOUS = ["normal", "full", "off"] as const;

export interface StoreOptions {
  /** The database file. It and its folders are made when missing, for their owner only. */
  file: string;
  /**
   * What a commit survives. `normal`: the death of the process; a power cut may take the last commits
   * but not harm the file. `full`: a power cut as well, at several times the cost. `off`: the death of
   * the process; a power cut may leave the file corrupt. Default: `normal`.
   */
  synchronous?: (typeof SYNCHRONOUS)[number] | undefined;
  /** How long a transaction waits for another process, in milliseconds from 0. Default: 1,000. */
  busyTimeoutMs?: number | undefined;
  /** Names a corrupt file that is kept aside. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Told when a corrupt file was moved aside. */
  onWarning?: ((message: string) => void) | undefined;
}

/** Several processes that start at once on a new file hold each other up for this long at most. */
const OPEN_TIMEOUT_MS = 5_000;
const OPEN_RETRY_MS = 20;
/**
 * The journal is copied into the file each time it has grown by so many pages, and shrinks back to their
 * size. A copy waits for the disk: many small ones cost more, a large one holds up the thread longer.
 */
const JOURNAL_PAGES = 2_000;
const PAGE_BYTES = 4_096;

/**
 * Opens a database file that several processes may share. One that is corrupt is kept aside as
 * `<file>.corrupt-<time>`, told of by one warning, and replaced by a new one.
 * @throws INVALID_ARGUMENT for a bad option, INVALID_CONFIG when no database can be opened there
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { file, synchronous = "normal", busyTimeoutMs = 1_000 } = options;
  if (typeof file !== "string" || file === "") throw invalidArgument("file", "a path", file);
  if (!SYNCHRONOUS.includes(synchronous)) {
    throw invalidArgument("synchronous", `one of ${SYNCHRONOUS.join(", ")}`, synchronous);
  }
  if (!Number.isInteger(busyTimeoutMs) || busyTimeoutMs < 0) {
    throw invalidArgument("busyTimeoutMs", "a whole number from 0", busyTimeoutMs);
  }
  const open = await loadSqlite();
  const connect = () => connectTo(file, open, { synchronous, busyTimeoutMs });
  try {
    return new SqliteStore(file, await patiently(() => connectOrReplace(connect, open, options)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new OrchestraError("INVALID_CONFIG", `The database ${file} cannot be opened: ${reason}`, {
      path: "file",
      cause,
    });
  }
}

/** A new file's journal mode cannot be set while others do the same, and that does not wait by itself. */
async function patiently<T>(attempt: () => T): Promise<T> {
  const deadline = performance.now() + OPEN_TIMEOUT_MS;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await delay(OPEN_RETRY_MS);
  }
}

function connectOrReplace(
  connect: () => Database,
  open: OpenDatabase,
  { file, now = Date.now, onWarning = () => {} }: StoreOptions,
): Database {
  try {
    return connect();
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const aside = setAside(file, { open, now, isSound: () => connects(connect) });
    if (aside !== undefined) {
      const reason = error instanceof Error ? error.message : error;
      onWarning(
        `The database ${file} is corrupt (${reason}). It was kept as ${aside} and a new one was begun.`,
      );
    }
    return connect();
  }
}

function connects(connect: () => Database): boolean {
  try {
    connect().close();
    return true;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return false;
  }
}

function connectTo(
  file: string,
  open: OpenDatabase,
  { synchronous, busyTimeoutMs }: Required<Pick<StoreOptions, "synchronous" | "busyTimeoutMs">>,
): Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  createFile(file);
  const database = open(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    database.exec(`PRAGMA wal_autocheckpoint = ${JOURNAL_PAGES}`);
    database.exec(`PRAGMA journal_size_limit = ${JOURNAL_PAGES * PAGE_BYTES}`);
    verify(database, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite would make it with the process's usual mode; its journal files get the mode of the database. */
function createFile(file: string): void {
  try {
    // Only a new file may be opened here: to close it would drop the locks of this process's other stores.
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
