import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Durable, type DurableOptions, openDurable } from "../../src/durable.ts";
import { parseCursor } from "../../src/event/cursor.ts";
import type { Store } from "../../src/store/store.ts";
import { append, openTestStore, temporaryFolder } from "../fixtures/sqlite-logs.ts";
import { errorFrom } from "../fixtures/thrown.ts";

/** What SQLite throws: https://sqlite.org/rescode.html */
function sqliteError(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { errcode });
}

function failing(store: Store, error: Error): Store {
  const fail = () => {
    throw error;
  };
  return { ...store, file: store.file, exec: fail, prepare: fail, transaction: fail };
}

async function openOn(error: Error | undefined, options: Partial<DurableOptions> = {}) {
  const store = await openTestStore();
  const warnings: string[] = [];
  const opening = openDurable(store.file, {
    instanceId: "a",
    sharedStore: error === undefined ? store : failing(store, error),
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  onTestFinished(async () => (await opening.catch(() => undefined))?.close());
  return { opening, warnings };
}

describe("opening the data file", () => {
  it("gives a log in it", async () => {
    const { opening, warnings } = await openOn(undefined);
    const durable = await opening;
    const [cursor = ""] = durable === undefined ? [] : await append(durable.log, "first");
    expect(parseCursor(cursor)).toMatchObject({ sequence: 1 });
    expect(warnings).toEqual([]);
  });

  it.each([
    ["database or disk is full", 13],
    // The memory that processes share is a file, too: SQLITE_IOERR_SHMSIZE.
    ["disk I/O error", 4_874],
    ["database is locked", 5],
  ])("does without it, and says so, when the disk is of no use: %s", async (message, errcode) => {
    const { opening, warnings } = await openOn(sqliteError(message, errcode), { openTimeoutMs: 1 });
    expect(await opening).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(message)]);
  });

  it("fails when something else is wrong with it", async () => {
    const error = sqliteError("no such table: events", 1);
    const { opening, warnings } = await openOn(error);
    await expect(opening).rejects.toBe(error);
    expect(warnings).toEqual([]);
  });

  it("does so with the options that it is given", async () => {
    const { opening } = await openOn(undefined, {
      sharedStore: undefined,
      synchronous: "full",
      busyTimeoutMs: 7,
      retention: { maxEvents: 2 },
    });
    const { store, log } = (await opening) as Durable;
    expect(store.opening).toMatchObject({ synchronous: "full" });
    expect(store.prepare("PRAGMA busy_timeout").get()).toMatchObject({ timeout: 7 });
    const ids = Array.from({ length: 20 }, (_, index) => `${index}`);
    await append(log, ...ids);
    expect(log.stats().events).toBe(2);
  });
});

describe("a database of another program", () => {
  /** With what makes it, and the tables that are in the way. */
  const THEIRS = [
    ["CREATE TABLE events (id INTEGER PRIMARY KEY, happened TEXT)", "events"],
    ["CREATE TABLE event_log (name TEXT, text TEXT)", "event_log"],
    ["CREATE TABLE event_log (name TEXT, value TEXT); CREATE TABLE Instances (id)", "event_log`, `instances"],
    ["CREATE VIEW open_jobs AS SELECT 1", "open_jobs"],
  ] as const;

  function makeTheirs(sql: string): string {
    const file = join(temporaryFolder(), "theirs.db");
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
    return file;
  }

  it.each(THEIRS)("is named and left as it is: %s", async (sql, tables) => {
    const file = makeTheirs(sql);
    const before = readFileSync(file);
    const options = { instanceId: "a", sharedStore: undefined, onWarning: expect.unreachable };
    const error = await errorFrom(() => openDurable(file, options));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toContain(file);
    expect(error.message).toContain(`another program's, with tables of its own that are named \`${tables}\``);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(dirname(file))).toEqual(["theirs.db"]);
  });

  it("is refused when it was opened before, too", async () => {
    const [[sql]] = THEIRS;
    const store = await openTestStore({ file: makeTheirs(sql) });
    const options = { instanceId: "a", sharedStore: store, onWarning: expect.unreachable };
    const error = await errorFrom(() => openDurable(store.file, options));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toContain(store.file);
  });

  it("is shared when its tables have names of their own", async () => {
    const file = makeTheirs("CREATE TABLE invoices (id)");
    const options = { instanceId: "a", sharedStore: undefined, onWarning: expect.unreachable };
    const durable = (await openDurable(file, options)) as Durable;
    expect(await append(durable.log, "1")).toEqual([expect.any(String)]);
    await durable.close();
  });
});
