import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Database } from "../../../src/store/database.ts";
import type { StoreOptions } from "../../../src/store/open-store.ts";
import { createClock } from "../../fixtures/clock.ts";
import { createFileLock } from "../../fixtures/file-lock.ts";
import { runNode } from "../../fixtures/node-process.ts";
import { openTestStore, temporaryFolder } from "../../fixtures/sqlite-logs.ts";
import { errorFrom } from "../../fixtures/thrown.ts";

const execute = promisify(execFile);
const ENDING = { timeout: 5_000, killSignal: "SIGKILL" } as const;
const OPEN_STORE = new URL("../../../src/store/open-store.ts", import.meta.url).href;
const START = "20260101T000000Z";

/** A closed database with so many rows. */
async function closedDatabase(rows = 2_000): Promise<string> {
  const store = await openTestStore();
  store.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE)");
  store.transaction(() => {
    const insert = store.prepare("INSERT INTO t (b) VALUES (?)");
    for (let row = 0; row < rows; row++) insert.run(`${row}`.padStart(100));
  });
  store.close();
  return store.file;
}

/** Opens the file and tells what was said of it. */
async function reopen(file: string) {
  const warnings: string[] = [];
  const { now } = createClock();
  const store = await openTestStore({ file, now, onWarning: (message) => warnings.push(message) });
  return { store, warnings, beside: readdirSync(dirname(file)).filter((name) => name.includes("corrupt")) };
}

function overwrite(file: string, offset: number, length: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, offset, offset + length);
  writeFileSync(file, bytes);
}

describe("a store that is opened", () => {
  it("makes its file and folder for their owner only", async () => {
    const file = join(temporaryFolder(), "deep", "er", "events.db");
    const store = await openTestStore({ file });
    store.exec("CREATE TABLE t (a)");
    const modeOf = (path: string) => statSync(path).mode & 0o777;
    expect([modeOf(file), modeOf(`${file}-wal`), modeOf(dirname(file))]).toEqual([0o600, 0o600, 0o700]);
  });

  it("makes each folder for its owner only", async () => {
    const folder = temporaryFolder();
    await openTestStore({ file: join(folder, "deep", "er", "events.db") });
    const modes = ["deep", "deep/er"].map((path) => statSync(join(folder, path)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o700]);
  });

  it.runIf(process.platform === "linux").each(["/proc/nope/folder/events.db", "/proc/nope/events.db"])(
    "says so when no folder can be made for it: %s",
    async (file) => {
      const code = `const { openStore } = await import(${JSON.stringify(OPEN_STORE)});
        await openStore({ file: ${JSON.stringify(file)} }).catch((error) => console.log(JSON.stringify({ ...error, message: error.message })));`;
      // In a process of its own, which can be ended: from `mkdirSync` Node would never come back there.
      const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", code], ENDING);
      expect(JSON.parse(stdout)).toMatchObject({
        code: "INVALID_CONFIG",
        path: "file",
        message: expect.stringMatching(/^The database \S+ cannot be opened: ENOENT: .*'\/proc\/nope'$/),
      });
    },
  );

  it("leaves the mode of an existing file as it is", async () => {
    const file = join(temporaryFolder(), "events.db");
    writeFileSync(file, "");
    chmodSync(file, 0o640);
    await openTestStore({ file });
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("lets readers and a writer work side by side, and commits as safely as it was asked to", async () => {
    const store = await openTestStore({ synchronous: "full" });
    const pragma = (name: string) => Object.values(store.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("busy_timeout")]).toEqual(["wal", 2, 250]);
    const usual = await openTestStore({ synchronous: undefined, busyTimeoutMs: 7 });
    expect(usual.prepare("PRAGMA synchronous").get()).toMatchObject({ synchronous: 1 });
    expect(usual.prepare("PRAGMA busy_timeout").get()).toMatchObject({ timeout: 7 });
  });

  it("finds what it held before", async () => {
    const { store, warnings, beside } = await reopen(await closedDatabase());
    expect(store.prepare("SELECT count(*) AS n FROM t").get()).toMatchObject({ n: 2_000 });
    expect([warnings, beside]).toEqual([[], []]);
  });

  it("can be opened many times at once, on a file that is not there yet", async () => {
    const file = join(temporaryFolder(), "events.db");
    const stores = await Promise.all(Array.from({ length: 8 }, () => openTestStore({ file })));
    stores[0]?.exec("CREATE TABLE t (a)");
    for (const store of stores) store.prepare("INSERT INTO t VALUES (1)").run();
    expect(stores[7]?.prepare("SELECT count(*) AS n FROM t").get()).toMatchObject({ n: 8 });
  });

  it("says nothing on the console", async () => {
    const file = join(temporaryFolder(), "events.db");
    const module = join(import.meta.dirname, "../../../src/store/open-store.ts");
    const code = `const { openStore } = await import(${JSON.stringify(module)});
      (await openStore({ file: ${JSON.stringify(file)} })).close();
      process.emitWarning("still heard");`;
    const { stdout, stderr } = await runNode(["--input-type=module", "-e", code]);
    expect(stdout).toBe("");
    expect(stderr).toContain("still heard");
    expect(stderr).not.toContain("SQLite");
  });

  it.each<[string, Partial<StoreOptions>]>([
    ["file", { file: "" }],
    ["file", { file: 7 as never }],
    ["synchronous", { synchronous: "extra" as never }],
    ["busyTimeoutMs", { busyTimeoutMs: -1 }],
    ["busyTimeoutMs", { busyTimeoutMs: 0.5 }],
    ["openTimeoutMs", { openTimeoutMs: -1 }],
    ["placeCheckMs", { placeCheckMs: 0 }],
  ])("refuses a bad `%s`: %o", async (path, options) => {
    const error = await errorFrom(() => openTestStore(options));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", path });
  });
});

describe("a file that is no sound database", () => {
  it.each<[string, (file: string) => void]>([
    ["text", (file) => writeFileSync(file, "These are not the bytes you are looking for.\n".repeat(200))],
    ["random bytes", (file) => writeFileSync(file, crypto.getRandomValues(new Uint8Array(20_000)))],
    ["cut off in the middle", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["cut off in its first page", (file) => truncateSync(file, 50)],
    ["overwritten at its beginning", (file) => overwrite(file, 0, 4_096)],
    ["of a format that there is not", (file) => overwrite(file, 44, 4)],
    ["overwritten somewhere inside", (file) => overwrite(file, 40 * 4_096, 4_096)],
    ["overwritten at its end", (file) => overwrite(file, statSync(file).size - 4_096, 4_096)],
  ])("(%s) is kept aside, told of once, and replaced", async (_how, damage) => {
    const file = await closedDatabase();
    damage(file);
    const damaged = readFileSync(file);
    const { store, warnings, beside } = await reopen(file);
    expect(beside).toEqual([`${basename(file)}.corrupt-${START}`]);
    expect(readFileSync(`${file}.corrupt-${START}`).equals(damaged)).toBe(true);
    expect(warnings).toEqual([expect.stringContaining(`${file}.corrupt-${START}`)]);
    store.exec("CREATE TABLE t (a)");
    store.close();
    expect((await reopen(file)).warnings).toEqual([]);
    expect(existsSync(`${file}.repair`)).toBe(false);
  });

  it("takes its journal along, so that the new one does not get it", async () => {
    const file = await closedDatabase();
    const open = await openTestStore({ file });
    open.exec("CREATE TABLE u (a)");
    overwrite(file, 40 * 4_096, 4_096);
    const { store, beside } = await reopen(file);
    expect(beside.sort()).toEqual(
      ["", "-shm", "-wal"].map((end) => `${basename(file)}.corrupt-${START}${end}`),
    );
    expect(store.prepare("SELECT name FROM sqlite_schema").all()).toEqual([]);
  });

  it("gets a name of its own each time", async () => {
    const file = join(temporaryFolder(), "events.db");
    const names = [];
    for (let count = 0; count < 3; count++) {
      writeFileSync(file, "x".repeat(9_999));
      const { store, beside } = await reopen(file);
      store.close();
      names.push(beside.length);
    }
    expect(names).toEqual([1, 2, 3]);
  });

  it("is replaced once when several find it at the same time", async () => {
    const file = await closedDatabase();
    overwrite(file, 0, 4_096);
    const opened = await Promise.all(Array.from({ length: 6 }, () => reopen(file)));
    expect(opened.flatMap(({ warnings }) => warnings)).toHaveLength(1);
    opened[0]?.store.exec("CREATE TABLE t (a)");
    expect(opened[5]?.store.prepare("SELECT name FROM sqlite_schema").all()).toHaveLength(1);
  });

  it("is looked at at both ends when it is too large to be read through", async () => {
    const file = await closedDatabase(100_000);
    expect(statSync(file).size).toBeGreaterThan(16 * 1024 * 1024);
    const sound = await reopen(file);
    sound.store.close();
    expect(sound.warnings).toEqual([]);
    truncateSync(file, 17 * 1024 * 1024);
    expect((await reopen(file)).warnings).toHaveLength(1);
  });

  it("is simply new when it is empty", async () => {
    const file = join(temporaryFolder(), "events.db");
    writeFileSync(file, "");
    expect((await reopen(file)).warnings).toEqual([]);
  });

  it.each<[string, (path: string) => string]>([
    ["a folder", (path) => path],
    ["below a file", (path) => join(path, "file", "events.db")],
  ])("is left alone when it is %s", async (_what, place) => {
    const folder = join(temporaryFolder(), "taken");
    mkdirSync(folder);
    writeFileSync(join(folder, "file"), "mine");
    const error = await errorFrom(() => openTestStore({ file: place(folder) }));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file", cause: expect.any(Error) });
    expect(readdirSync(folder)).toEqual(["file"]);
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
  });
});

/** Everything about a file that another program could notice, its journals included. */
function stateOf(file: string): unknown {
  const names = readdirSync(dirname(file)).sort();
  return { names, bytes: readFileSync(file).toString("base64"), mode: statSync(file).mode };
}

/** Objects to a file that holds anything. */
function objectionToFull(database: Database): string | undefined {
  return database.prepare("SELECT 1 FROM sqlite_schema").get() && "it is full";
}

describe("a file that is not to be used", () => {
  it("is refused with the reason, and left as it is", async () => {
    const file = join(temporaryFolder(), "theirs.db");
    const theirs = new DatabaseSync(file);
    theirs.exec("CREATE TABLE events (id, happened)");
    theirs.close();
    const before = stateOf(file);
    const tables = (database: Database) => database.prepare("SELECT name FROM sqlite_schema").all();
    const objectionTo = (database: Database) => `it has ${tables(database)[0]?.name}`;
    const error = await errorFrom(() => openTestStore({ file, objectionTo }));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
    expect(error.message).toBe(`The database ${file} cannot be opened: it has events`);
    expect(stateOf(file)).toEqual(before);
  });

  it("is a corrupt one all the same when it is damaged", async () => {
    const file = await closedDatabase();
    overwrite(file, 40 * 4_096, 4_096);
    const store = await openTestStore({ file, objectionTo: objectionToFull });
    expect(store.prepare("SELECT name FROM sqlite_schema").all()).toEqual([]);
  });

  it.each([
    ["a file", 0o755, 0o444],
    ["a folder", 0o555, undefined],
  ])("as %s may not be written, is refused at once, with the reason", async (_what, folderMode, fileMode) => {
    const folder = temporaryFolder();
    const file = join(folder, "events.db");
    if (fileMode !== undefined) writeFileSync(file, "", { mode: fileMode });
    chmodSync(folder, folderMode);
    const module = join(import.meta.dirname, "../../../src/store/open-store.ts");
    const code = `const { openStore } = await import(${JSON.stringify(module)});
      (await openStore({ file: ${JSON.stringify(join(temporaryFolder(), "own.db"))} })).close();
      // Nothing is forbidden to root.
      if (process.getuid?.() === 0) process.setuid(65534);
      await openStore({ file: ${JSON.stringify(file)} }).catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = await runNode(["--input-type=module", "-e", code]);
    expect(stdout).toContain(`INVALID_CONFIG The database ${file} cannot be opened: EACCES`);
  });
});

describe("a file that others keep locked", () => {
  it("is opened for reading once the waiting is over, and is known to be locked", async () => {
    const made = await openTestStore();
    made.exec("CREATE TABLE t (a)");
    const lock = createFileLock(made.file);
    lock.hold();
    const store = await openTestStore({ file: made.file, openTimeoutMs: 1 });
    expect([store.isLocked, made.isLocked]).toEqual([true, false]);
    expect(store.prepare("SELECT count(*) AS n FROM t").get()).toMatchObject({ n: 0 });
    lock.letGo();
    store.transaction(() => 1);
    expect(store.isLocked).toBe(false);
  });

  it("is waited for without holding up the thread", async () => {
    const made = await openTestStore();
    const lock = createFileLock(made.file);
    lock.hold();
    const opening = openTestStore({ file: made.file, openTimeoutMs: 600_000 });
    await nextTurn();
    lock.letGo();
    expect((await opening).isLocked).toBe(false);
  });

  it("is refused when it must be changed before it can be used", async () => {
    const file = join(temporaryFolder(), "events.db");
    const lock = createFileLock(file);
    lock.hold();
    const error = await errorFrom(() => openTestStore({ file, openTimeoutMs: 1 }));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", message: expect.stringContaining("locked") });
  });
});
