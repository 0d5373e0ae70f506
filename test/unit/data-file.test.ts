import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { SpanTables } from "../../exporters/span-outbox-tables.ts";
import { openDataFile } from "../../src/data-file.ts";
import { createSqliteEventLog } from "../../src/event-log/sqlite.ts";
import { ownProcess } from "../../src/store/process-identity.ts";
import { isBusy } from "../../src/store/storage-error.ts";
import { createFileLock } from "../fixtures/file-lock.ts";
import { openTestLog, openTestStore, temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { errorFrom } from "../fixtures/thrown.ts";

/** A file that we made, in which a statement changes what SQLite does not look at. */
async function makeHarmed(sql: string): Promise<string> {
  const file = join(temporaryFolder(), "orchestra.db");
  const store = await openDataFile(file, {});
  await createSqliteEventLog({ store }).close();
  new SpanTables(store, { ...ownProcess(), instance: "us" });
  store.close();
  const harmer = new DatabaseSync(file);
  harmer.enableDefensive(false);
  harmer.exec(`PRAGMA writable_schema = 1; ${sql}`);
  harmer.close();
  return file;
}

/** One of a process that keeps no events. */
async function makeOfSpans(): Promise<string> {
  const file = join(temporaryFolder(), "orchestra.db");
  const store = await openDataFile(file, {});
  new SpanTables(store, { ...ownProcess(), instance: "us" });
  store.close();
  return file;
}

const rename = (table: string, from: string, to: string) =>
  `UPDATE sqlite_schema SET name = replace(name, '${from}', '${to}'),
     tbl_name = replace(tbl_name, '${from}', '${to}'), sql = replace(sql, '${from}', '${to}')
   WHERE name = '${table}'`;

const APPENDED_AT = rename("events", "appended_at", "appended_av");

describe("the file that events and spans share", () => {
  it.each([
    ["a column of events", APPENDED_AT],
    ["the table of events", rename("events", "events", "evenus")],
    ["the table that tells whose it is", rename("event_log", "event_log", "event_lag")],
    ["a column of its versions", rename("event_log", "value", "valua")],
    ["its version", "UPDATE event_log SET value = 'r' WHERE name = 'schema'"],
    ["a column that earlier files lack", rename("events", "checksum", "checksun")],
    ["a key", rename("events", "PRIMARY KEY", "PRIMARY_KEY")],
    ["a column of spans", rename("span_queue", "holder", "hodler")],
  ])("is corrupt when the name of %s has turned into another", async (_what, harm) => {
    const file = await makeHarmed(harm);
    const warnings: string[] = [];
    const store = await openDataFile(file, { onWarning: (message) => warnings.push(message) });
    onTestFinished(() => store.close());
    expect(warnings).toEqual([
      expect.stringMatching(/The database .+ is corrupt \((its table |its version |it does not tell)/),
    ]);
    await createSqliteEventLog({ store }).close();
    expect(readdirSync(dirname(file))).toContainEqual(expect.stringMatching(/^orchestra\.db\.corrupt-\w+$/));
  });

  it("is nobody's to keep aside when a newer version made it", async () => {
    const file = await makeHarmed(
      `UPDATE event_log SET value = '3' WHERE name = 'schema'; ${rename("events", "appended_at", "at")}`,
    );
    const store = await openDataFile(file, {});
    onTestFinished(() => store.close());
    const error = await errorFrom(async () => createSqliteEventLog({ store }));
    expect(error.message).toContain("newer version");
    expect(readdirSync(dirname(file)).filter((name) => name.includes("corrupt"))).toEqual([]);
  });

  it("is refused, and kept, when another program has made a table of events in it", async () => {
    const file = await makeOfSpans();
    const theirs = new DatabaseSync(file);
    theirs.exec("CREATE TABLE events (id INTEGER PRIMARY KEY, happened TEXT)");
    theirs.close();
    const error = await errorFrom(() => openDataFile(file, { onWarning: expect.unreachable }));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toContain("tables of its own that are named `events`");
    expect(readdirSync(dirname(file))).toEqual([basename(file)]);
  });

  it("may have more columns and tables than ours, and be copied", async () => {
    const file = await makeHarmed(
      "ALTER TABLE events ADD COLUMN note TEXT; CREATE TABLE theirs (a); VACUUM; PRAGMA user_version = 7",
    );
    const store = await openDataFile(file, { onWarning: expect.unreachable });
    onTestFinished(() => store.close());
    await createSqliteEventLog({ store }).close();
  });

  it("is left as it is when another program has tables named like those of spans", async () => {
    const file = join(temporaryFolder(), "theirs.db");
    const theirs = new DatabaseSync(file);
    theirs.exec("CREATE TABLE span_chunk (id INTEGER PRIMARY KEY, theirs TEXT)");
    theirs.close();
    const before = readFileSync(file);
    const error = await errorFrom(() => openDataFile(file, {}));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toContain("another program's, with tables of its own that are named `span_chunk`");
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(dirname(file))).toEqual(["theirs.db"]);
  });

  it("is not used while an epoch is due that cannot be begun", async () => {
    const former = await openTestStore({ boot: "of a former run of the system" });
    const { log, file } = await openTestLog({ store: former });
    await log.close();
    const lock = createFileLock(file);
    lock.hold();
    const busy = await openDataFile(file, { openTimeoutMs: 1 }).catch((error: unknown) => error);
    expect(isBusy(busy)).toBe(true);
    lock.letGo();
    (await openDataFile(file, {})).close();
  });
});
