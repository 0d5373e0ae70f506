import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { openReadOnly } from "../../../src/store/read-only.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

async function storeWithARow() {
  const store = await openTestStore();
  store.exec("CREATE TABLE t (a)");
  store.exec("INSERT INTO t VALUES (1)");
  return store;
}

async function rowsOf(file: string): Promise<unknown> {
  const database = await openReadOnly(file);
  try {
    return database.prepare("SELECT count(*) AS rows FROM t").get()?.rows;
  } finally {
    database.close();
  }
}

describe("a database that is only looked at", () => {
  it("leaves nothing beside a file that is not in use", async () => {
    const store = await storeWithARow();
    store.close();
    expect(await rowsOf(store.file)).toBe(1);
    expect(readdirSync(dirname(store.file))).toEqual([basename(store.file)]);
  });

  it("shows what its writer has in the journal, and changes neither", async () => {
    const store = await storeWithARow();
    const bytes = () => [readFileSync(store.file), readFileSync(`${store.file}-wal`)];
    const before = bytes();
    expect(await rowsOf(store.file)).toBe(1);
    expect(bytes()).toEqual(before);
    store.exec("INSERT INTO t VALUES (2)");
    expect(await rowsOf(store.file)).toBe(2);
  });

  it.each([true, false])("refuses to be written, in use: %s", async (inUse) => {
    const store = await storeWithARow();
    if (!inUse) store.close();
    const database = await openReadOnly(store.file);
    expect(() => database.exec("INSERT INTO t VALUES (3)")).toThrow("readonly");
    database.close();
  });

  it("finds files whose names mean something in a URL", async () => {
    const store = await openTestStore({ file: `${(await storeWithARow()).file} ?#%20` });
    store.exec("CREATE TABLE t (a)");
    store.close();
    expect(await rowsOf(store.file)).toBe(0);
  });

  it("does not make a file that is not there", async () => {
    const store = await storeWithARow();
    const missing = `${store.file}-missing`;
    await expect(openReadOnly(missing)).rejects.toThrow("unable to open");
    expect(readdirSync(dirname(store.file))).not.toContain(basename(missing));
  });
});
