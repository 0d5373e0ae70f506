import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import type { Database, OpenDatabase } from "./database.ts";
import { isDamage } from "./storage-error.ts";

/** Files up to this size are read through when they are opened, at about 100 MB a second. */
const CHECKED_BYTES = 16 * 1024 * 1024;

/** What a file holds makes no sense (any more), though SQLite does not say so. */
export class DamageError extends Error {}

/**
 * Reads a small file through, and of a large one the root and both ends of every table and index.
 * @throws what SQLite throws, or an error that says what is wrong
 */
export function verify(database: Database, file: string): void {
  if (statSync(file).size <= CHECKED_BYTES) {
    const [finding] = database.prepare("PRAGMA quick_check(1)").all();
    if (finding?.quick_check !== "ok") throw new DamageError(String(finding?.quick_check));
    return;
  }
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    const edge = (order: string) => `SELECT * FROM "${name}" ORDER BY 1 ${order} LIMIT 1`;
    database.prepare(edge("ASC")).get();
    database.prepare(edge("DESC")).get();
  }
}

export function isDamaged(error: unknown): boolean {
  return error instanceof DamageError || isDamage(error);
}

/**
 * Moves a damaged file and what belongs to it out of the way, and returns its new name; undefined when
 * another process was faster. A lock that dies with its process keeps two from taking turns at it.
 * @throws what SQLite throws, when another process has that lock
 */
export function setAside(
  file: string,
  { open, now, isSound }: { open: OpenDatabase; now: () => number; isSound: () => boolean },
): string | undefined {
  const lockFile = `${file}.repair`;
  const lock = open(lockFile);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    try {
      return isSound() ? undefined : rename(file, freeName(`${file}.corrupt-${compactTime(now())}`));
    } finally {
      // Only by who has the lock: whoever came after it would else lock another file.
      rmSync(lockFile, { force: true });
    }
  } finally {
    lock.close();
  }
}

function rename(file: string, aside: string): string {
  // The database last: a new one must not be given the old one's journal.
  for (const suffix of ["-wal", "-shm", ""]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  return aside;
}

/** `20260131T235959Z` */
function compactTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

function freeName(name: string): string {
  let free = name;
  for (let count = 2; existsSync(free); count++) free = `${name}-${count}`;
  return free;
}
