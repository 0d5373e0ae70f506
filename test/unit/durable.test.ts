import { describe, expect, it, onTestFinished } from "vitest";
import { openDurable } from "../../src/durable.ts";
import { parseCursor } from "../../src/event/cursor.ts";
import type { Store } from "../../src/store/store.ts";
import { append, openTestStore } from "../fixtures/sqlite-logs.ts";

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

async function openOn(error: Error | undefined) {
  const store = await openTestStore();
  const warnings: string[] = [];
  const opening = openDurable(store.file, {
    instanceId: "a",
    sharedStore: error === undefined ? store : failing(store, error),
    onWarning: (message) => warnings.push(message),
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
  ])("does without it, and says so, when the disk is of no use: %s", async (message, errcode) => {
    const { opening, warnings } = await openOn(sqliteError(message, errcode));
    expect(await opening).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(message)]);
  });

  it("fails when something else is wrong with it", async () => {
    const error = sqliteError("no such table: events", 1);
    const { opening, warnings } = await openOn(error);
    await expect(opening).rejects.toBe(error);
    expect(warnings).toEqual([]);
  });
});
