import { describe, expect, it, onTestFinished } from "vitest";
import { loadSqlite } from "../../../src/store/runtime-sqlite.ts";
import { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { createFileLock } from "../../fixtures/file-lock.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";
import { createWaitingDatabase } from "../../fixtures/waiting-database.ts";

const TIMEOUT_MS = 5;

async function openLocked({ isLocked = false } = {}) {
  const usual = await openTestStore();
  const { file } = usual;
  usual.exec("CREATE TABLE t (a)");
  const database = createWaitingDatabase((await loadSqlite())(file));
  const store = new SqliteStore(file, database, { busyTimeoutMs: TIMEOUT_MS, isLocked });
  onTestFinished(() => store.close());
  const insert = store.prepare("INSERT INTO t VALUES (?)");
  const lock = createFileLock(file);
  lock.hold();
  return { store, lock, waits: database.waits, insert };
}

describe("a file that somebody keeps locked", () => {
  it("is waited for once, however often and by whatever it is to be written", async () => {
    const { store, waits, insert } = await openLocked();
    for (let round = 0; round < 3; round++) {
      expect(() => store.transaction(() => insert.run(1))).toThrow("locked");
      expect(() => insert.run(1)).toThrow("locked");
      expect(() => store.exec("INSERT INTO t VALUES (1)")).toThrow("locked");
      expect(() => store.prepare("INSERT INTO t VALUES (1) RETURNING a").all()).toThrow("locked");
    }
    expect(waits).toEqual([TIMEOUT_MS, ...Array(11).fill(0)]);
    expect(store.isLocked).toBe(true);
  });

  it("can be read meanwhile, which does not make it count as free", async () => {
    const { store, waits, insert } = await openLocked();
    expect(() => insert.run(1)).toThrow("locked");
    expect(store.prepare("SELECT count(*) AS n FROM t").get()).toMatchObject({ n: 0 });
    expect(() => insert.run(1)).toThrow("locked");
    expect(waits).toEqual([TIMEOUT_MS, 0]);
  });

  it.each(["a transaction", "a statement"])("is waited for again once %s has written", async (by) => {
    const { store, lock, waits, insert } = await openLocked();
    expect(() => insert.run(1)).toThrow("locked");
    lock.letGo();
    if (by === "a statement") insert.run(1);
    else store.transaction(() => insert.run(1));
    expect(store.isLocked).toBe(false);
    lock.hold();
    expect(() => insert.run(1)).toThrow("locked");
    expect(waits).toEqual([TIMEOUT_MS, TIMEOUT_MS]);
  });

  it("is not waited for at all when that is known from the start", async () => {
    const { store, waits } = await openLocked({ isLocked: true });
    expect(() => store.transaction(() => 1)).toThrow("locked");
    expect([store.isLocked, waits]).toEqual([true, [0]]);
  });
});
