import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { invalidArgument, OrchestraError, reasonOf } from "../errors.ts";
import { currentBoot } from "./boot.ts";
import { isDamaged, setAside, verify } from "./damage.ts";
import type { Database, OpenDatabase } from "./database.ts";
import { FilePlace } from "./file-place.ts";
import { makeFolder } from "./folder.ts";
import { patiently } from "./patience.ts";
import { loadSqlite } from "./runtime-sqlite.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { isBusy } from "./storage-error.ts";
import { type Store, SYNCHRONOUS, type Synchronous } from "./store.ts";

export interface StoreOptions {
  /** The database file. It and its folders are made when missing, for their owner only. */
  file: string;
  /**
   * What a commit survives. `normal`: the death of the process; a power cut may take the last commits
   * but not harm the file. `full`: a power cut as well, at several times the cost. `off`: the death of
   * the process; a power cut may leave the file corrupt. Default: `normal`.
   */
  synchronous?: Synchronous | undefined;
  /**
   * How long a transaction waits for another process, in milliseconds from 0. It waits on the thread; so
   * after one wait in vain the next attempts wait no more, until one has succeeded. Default: 250.
   */
  busyTimeoutMs?: number | undefined;
  /** How long the opening waits for a file that others keep locked, off the thread. Default: 2,000. */
  openTimeoutMs?: number | undefined;
  /** Milliseconds between two looks whether the file is still where it was. Default: 2,000. */
  placeCheckMs?: number | undefined;
  /**
   * Why a file is not to be used, asked before anything in it is changed. A `DamageError` of its is why the file
   * is corrupt. Default: all are used.
   */
  objectionTo?: ((database: Database) => string | undefined) | undefined;
  /** The run of the system that we are in. Default: as the system tells. */
  boot?: string | undefined;
  /** Names a corrupt file that is kept aside. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Told when a corrupt file was moved aside, and when the file was moved under us. */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * The journal is copied into the file each time it has grown by so many pages, and shrinks back to their
 * size. A copy waits for the disk: many small ones cost more, a large one holds up the thread longer.
 */
const JOURNAL_PAGES = 2_000;
const PAGE_BYTES = 4_096;

/**
 * Opens a database file that several processes may share. One that is corrupt is kept aside as
 * `<file>.corrupt-<time>`, told of by one warning, and replaced by a new one. One that somebody keeps locked
 * against writing is opened all the same, as it can be read.
 * @throws INVALID_ARGUMENT for a bad option, INVALID_CONFIG when no database can be opened there
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const settings = settingsOf(options);
  const { file, synchronous, busyTimeoutMs, placeCheckMs, boot } = settings;
  const open = await loadSqlite();
  const deadline = performance.now() + settings.openTimeoutMs;
  try {
    // Asked first, as to open it makes one.
    const hadJournal = journalSize(file) > 0;
    const database = await patiently(deadline, () => connectOrReplace(open, settings));
    const isLocked = await isKeptLocked(database, deadline);
    const place = new FilePlace(file, { intervalMs: placeCheckMs, onLeft: () => warnOfLeaving(settings) });
    const opening = { boot, hadJournal, synchronous };
    return new SqliteStore(file, database, { opening, place, busyTimeoutMs, isLocked });
  } catch (cause) {
    throw new OrchestraError("INVALID_CONFIG", `The database ${file} cannot be opened: ${reasonOf(cause)}`, {
      path: "file",
      cause,
    });
  }
}

type Settings = ReturnType<typeof settingsOf>;

/** @throws INVALID_ARGUMENT */
function settingsOf(options: StoreOptions) {
  const { file, synchronous = "normal", objectionTo = () => undefined } = options;
  const { boot = currentBoot(), now = Date.now, onWarning = () => {} } = options;
  if (typeof file !== "string" || file === "") throw invalidArgument("file", "a path", file);
  if (!SYNCHRONOUS.includes(synchronous)) {
    throw invalidArgument("synchronous", `one of ${SYNCHRONOUS.join(", ")}`, synchronous);
  }
  const count = (name: "busyTimeoutMs" | "openTimeoutMs" | "placeCheckMs", fallback: number, min: number) => {
    const value = options[name] ?? fallback;
    if (Number.isInteger(value) && value >= min) return value;
    throw invalidArgument(name, `a whole number from ${min}`, value);
  };
  return {
    file,
    synchronous,
    busyTimeoutMs: count("busyTimeoutMs", 250, 0),
    openTimeoutMs: count("openTimeoutMs", 2_000, 0),
    placeCheckMs: count("placeCheckMs", 2_000, 1),
    objectionTo,
    boot,
    now,
    onWarning,
  };
}

function journalSize(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function warnOfLeaving({ file, onWarning }: Settings): void {
  onWarning(
    `The database ${file} was moved, deleted or replaced while it was in use. Nothing more is written to ` +
      "it: what is new waits in memory until the file is back. Restart the process to use what is there now.",
  );
}

/** Waits until the file can be written; whether it cannot by then. */
async function isKeptLocked(database: Database, deadline: number): Promise<boolean> {
  try {
    await patiently(deadline, () => database.exec("BEGIN IMMEDIATE"));
    database.exec("ROLLBACK");
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    database.close();
    throw error;
  }
}

function connectOrReplace(open: OpenDatabase, settings: Settings): Database {
  const { file, now, onWarning } = settings;
  try {
    return connect(open, settings);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const aside = setAside(file, { open, now, isSound: () => connects(open, settings) });
    if (aside !== undefined) {
      onWarning(
        `The database ${file} is corrupt (${reasonOf(error)}). It was kept as ${aside} and a new one was begun.`,
      );
    }
    return connect(open, settings);
  }
}

function connects(open: OpenDatabase, settings: Settings): boolean {
  try {
    connect(open, settings).close();
    return true;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return false;
  }
}

function connect(open: OpenDatabase, { file, synchronous, objectionTo }: Settings): Database {
  makeFolder(dirname(file));
  createFile(file);
  // SQLite would open it for reading then, and find out when it first writes.
  accessSync(file, constants.R_OK | constants.W_OK);
  const database = open(file);
  try {
    database.exec("PRAGMA busy_timeout = 0");
    const objection = objectionTo(database);
    if (objection !== undefined) {
      // What is damaged tells nothing of whose it is.
      verify(database, file);
      throw new Error(objection);
    }
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
