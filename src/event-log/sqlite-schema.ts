import { OrchestraError } from "../errors.ts";
import type { Store } from "../store/store.ts";

/** Rises when older versions of this library could not use the file any more. */
const SCHEMA_VERSION = "1";

/**
 * `events` is the log. `ordinal` counts the events and `start` the bytes before each, from the beginning
 * of the file, so that two rows tell how much lies between them; `sequence` may leap. An event block
 * tells which subjects occur after `after` and up to `last`; `event_ids` has the ids up to the last block.
 * An instance without a pid has ended.
 */
const TABLES = [
  "CREATE TABLE IF NOT EXISTS event_log (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    json TEXT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS event_blocks (
    last INTEGER PRIMARY KEY,
    after INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    max_time INTEGER NOT NULL,
    subjects BLOB NOT NULL
  )`,
  "CREATE TABLE IF NOT EXISTS event_ids (id TEXT PRIMARY KEY) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS open_jobs (
    job_id TEXT PRIMARY KEY,
    owner TEXT,
    created INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER,
    start_token TEXT,
    beat_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
];

/**
 * Makes the tables when they are missing. Returns the epoch, which each new file gets at random.
 * @throws INVALID_CONFIG when a newer version of this library made the file
 */
export function openSchema(store: Store): { epoch: string } {
  if (!hasSchema(store)) store.transaction(() => createSchema(store));
  const get = store.prepare("SELECT value FROM event_log WHERE name = ?");
  if (get.get("schema")?.value !== SCHEMA_VERSION) {
    throw new OrchestraError("INVALID_CONFIG", `A newer version made the event log in ${store.file}`);
  }
  return { epoch: String(get.get("epoch")?.value) };
}

/** Asked first, as a disk that is full now may hold a log that can be read. */
function hasSchema(store: Store): boolean {
  return store.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'event_log'").get() !== undefined;
}

function createSchema(store: Store): void {
  for (const table of TABLES) store.exec(table);
  const put = store.prepare("INSERT OR IGNORE INTO event_log (name, value) VALUES (?, ?)");
  put.run("schema", SCHEMA_VERSION);
  put.run("epoch", crypto.randomUUID().replaceAll("-", "").slice(0, 12));
}
