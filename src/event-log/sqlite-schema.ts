import { DamageError } from "../store/damage.ts";
import {
  columnsOf,
  namesIn,
  namesTaken,
  notAsMade,
  requireRoom,
  type Schema,
  unusable,
} from "../store/objection.ts";
import type { Store } from "../store/store.ts";
import { type LateColumns, resemblanceOf, tableShapes } from "../store/table-shape.ts";
import { newEpoch, openEpoch } from "./sqlite-epoch.ts";

/** Rises when older versions of this library could not use the file any more. */
const SCHEMA_VERSION = "2";
/** It knew no leases: the owner of an open job was the `source` of its events, whether or not that signed in. */
const FORMER_VERSION = "1";

/**
 * `events` is the log. `ordinal` counts the events and `start` the bytes before each, from the beginning
 * of the file, so that two rows tell how much lies between them; `sequence` may leap; `checksum` is the
 * CRC-32 of the JSON, as SQLite does not notice when a letter of a text turns into another. An event block
 * tells which subjects occur after `after` and up to `last`; `event_ids` has the ids up to the last block.
 * An instance is a lease and the process that keeps it; one without a pid has been given up. The owner of
 * an open job is a lease, or NULL; once it was claimed, `seen_at` is the last beat of who had run it. Who owns
 * a job that has a `cancel_reason`, which may be empty, was asked to cancel it.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS event_log (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    appended_at INTEGER NOT NULL,
    json TEXT NOT NULL,
    checksum INTEGER
  )`,
  `CREATE TABLE IF NOT EXISTS event_blocks (
    last INTEGER PRIMARY KEY,
    after INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    max_time INTEGER NOT NULL,
    subjects BLOB NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS event_ids (
    id TEXT PRIMARY KEY
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS open_jobs (
    job_id TEXT PRIMARY KEY,
    owner TEXT,
    created INTEGER NOT NULL,
    seen_at INTEGER,
    cancel_reason TEXT
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER,
    start_token TEXT,
    beat INTEGER NOT NULL,
    beat_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
];

const INDICES = [
  "CREATE INDEX IF NOT EXISTS open_jobs_of_nobody ON open_jobs (created) WHERE owner IS NULL",
  "CREATE INDEX IF NOT EXISTS open_jobs_to_cancel ON open_jobs (owner) WHERE cancel_reason IS NOT NULL",
];

const SHAPES = tableShapes(TABLES.join(";\n"));

/** Files of this version were made before there were such columns, and older programs write around them. */
const LATE_COLUMNS: LateColumns = {
  open_jobs: { seen_at: "INTEGER", cancel_reason: "TEXT" },
  events: { checksum: "INTEGER" },
};

/** What a file of the former version lacks is made between the two. Those who posted from afar never signed in. */
const UPGRADE = {
  before: ["ALTER TABLE instances RENAME TO former_instances"],
  after: [
    `INSERT INTO instances (id, host, pid, start_token, beat, beat_at)
     SELECT id, host, pid, start_token, 0, beat_at FROM former_instances`,
    "DROP TABLE former_instances",
    "UPDATE open_jobs SET owner = NULL WHERE owner NOT IN (SELECT id FROM instances)",
  ],
};

/**
 * Makes the tables when they are missing, and brings up those of the former version. Returns the epoch, which
 * each new file gets at random.
 * @throws INVALID_CONFIG when another program or a newer version of this library made the file, and what
 * SQLite throws
 */
export function openSchema(store: Store): { epoch: string } {
  requireRoom(store, objectionTo);
  if (versionOf(store) !== SCHEMA_VERSION || lateColumns(store).length > 0)
    store.transaction(() => bringUp(store));
  return { epoch: openEpoch(store) };
}

/**
 * Begins the epoch that is due, where there is a log. Who opens a file takes in its journal, and from then on
 * nobody can tell what a power cut did to it: so this is for all who do, whatever they want of the file.
 * @throws what SQLite throws
 */
export function settleEpoch(store: Store): void {
  if (versionOf(store) === SCHEMA_VERSION) openEpoch(store);
}

/**
 * Why there can be no log in a database: another program uses our names in it. Undefined when there can.
 * @throws DamageError when it is ours, and not as we made it
 */
export function objectionTo(schema: Schema): string | undefined {
  const found = namesIn(
    schema,
    SHAPES.map(({ name }) => name),
  );
  if (found.length === 0) return undefined;
  const { isOurs, harmed } = resemblanceOf(schema, SHAPES, LATE_COLUMNS);
  const version = tellsVersion(schema) ? String(entryOf(schema, "schema")) : undefined;
  if (!isOurs) return version === undefined || version === SCHEMA_VERSION ? namesTaken(found) : undefined;
  if (version === undefined) throw new DamageError("it does not tell its version");
  if (!/^\d+$/.test(version)) throw new DamageError(`its version is \`${version}\``);
  if (version === SCHEMA_VERSION && harmed !== undefined) throw new DamageError(notAsMade(harmed));
  return undefined;
}

function tellsVersion(schema: Schema): boolean {
  const columns = columnsOf(schema, "event_log");
  return columns.includes("name") && columns.includes("value") && entryOf(schema, "schema") !== undefined;
}

/** Undefined without a log. */
function versionOf(store: Store): unknown {
  const hasSchema = store.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'event_log'").get() !== undefined;
  return hasSchema ? entryOf(store, "schema") : undefined;
}

function entryOf(schema: Schema, name: string): unknown {
  return schema.prepare("SELECT value FROM event_log WHERE name = ?").get(name)?.value;
}

/** Statements for those that are not there yet. */
function lateColumns(store: Store): string[] {
  return Object.entries(LATE_COLUMNS).flatMap(([table, columns]) => {
    const found = columnsOf(store, table);
    return Object.entries(columns)
      .filter(([column]) => !found.includes(column))
      .map(([column, type]) => `ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  });
}

/** Does nothing when another process was faster. @throws INVALID_CONFIG for a newer version */
function bringUp(store: Store): void {
  const version = versionOf(store);
  const isFormer = version === FORMER_VERSION;
  if (version !== undefined && version !== SCHEMA_VERSION && !isFormer)
    throw unusable(store.file, "a newer version of this library made it");
  const upgrade = isFormer ? UPGRADE : { before: [], after: [] };
  for (const sql of [...upgrade.before, ...TABLES, ...upgrade.after]) store.exec(sql);
  for (const sql of [...lateColumns(store), ...INDICES]) store.exec(sql);
  const put = (verb: "REPLACE" | "INSERT OR IGNORE", name: string, value: string) =>
    store.prepare(`${verb} INTO event_log (name, value) VALUES (?, ?)`).run(name, value);
  put("REPLACE", "schema", SCHEMA_VERSION);
  put("INSERT OR IGNORE", "epoch", newEpoch());
}
