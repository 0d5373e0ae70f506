import { copyFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataFile } from "../../../src/data-file.ts";
import type { Cursor } from "../../../src/event/event-log.ts";
import type { StoreOptions } from "../../../src/store/open-store.ts";
import {
  append,
  idsOf,
  openTestLog,
  openTestStore,
  readAll,
  temporaryFolder,
} from "../../fixtures/sqlite-logs.ts";

const SYNCED_JOURNAL_BYTES = 32;

type Options = Partial<StoreOptions>;

async function openLog(options: Options) {
  return openTestLog({ store: await openTestStore({ boot: "first", synchronous: "normal", ...options }) });
}

/**
 * A file as a power cut leaves it: of events 1 to 5 the disk had 1 to 3, and of the journal what is synced
 * when it is begun.
 */
async function cutOff(...users: Options[]): Promise<{ file: string; cursors: Cursor[] }> {
  const { log, store, file } = await openLog(users[0] ?? {});
  for (const options of users.slice(1)) await openLog({ ...options, file });
  const cursors = await append(log, "1", "2", "3");
  store.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const cut = join(temporaryFolder(), "cut.db");
  copyFileSync(file, cut);
  cursors.push(...(await append(log, "4", "5")));
  copyFileSync(`${file}-wal`, `${cut}-wal`);
  expect(statSync(`${cut}-wal`).size).toBeGreaterThan(SYNCED_JOURNAL_BYTES);
  truncateSync(`${cut}-wal`, SYNCED_JOURNAL_BYTES);
  return { file: cut, cursors: cursors as Cursor[] };
}

const epochOf = (cursor: Cursor | undefined) => cursor?.split("-")[0];

describe("a log whose last commits a power cut took back", () => {
  it("begins a new epoch and keeps its events, so that whoever was ahead is told", async () => {
    const { file, cursors } = await cutOff();
    const { log } = await openLog({ file, boot: "second" });
    expect(idsOf(readAll(log))).toEqual(["1", "2", "3"]);
    const [again] = await append(log, "6", "7");
    expect(epochOf(again)).not.toBe(epochOf(cursors[0]));
    for (const cursor of cursors) {
      const page = log.read({ after: cursor });
      expect([page.gap, idsOf(page.records)]).toEqual(["epoch", ["1", "2", "3", "6", "7"]]);
    }
    expect(idsOf(log.read({ after: again }).records)).toEqual(["7"]);
  });

  it("begins one, too, when a process opened the file first that has only spans to keep", async () => {
    const { file, cursors } = await cutOff();
    const store = await openDataFile(file, {});
    store.close();
    const { log } = await openTestLog({ file });
    const { gap } = log.read({ after: cursors[4] as Cursor });
    expect([gap, epochOf(log.bounds().latest)]).toEqual([
      "epoch",
      expect.not.stringMatching(`${epochOf(cursors[0])}`),
    ]);
  });

  it("begins one new epoch, however many processes start", async () => {
    const { file, cursors } = await cutOff();
    const logs = await Promise.all([1, 2, 3, 4].map(() => openLog({ file, boot: "second" })));
    const epochs = new Set(logs.map(({ log }) => epochOf(log.bounds().latest)));
    expect(epochs.size).toBe(1);
    expect(epochs).not.toContain(epochOf(cursors[0]));
  });

  it("begins one, too, when an operator says so, who has put a backup in its place", async () => {
    const { log, store } = await openLog({});
    const [cursor] = await append(log, "1");
    await log.close();
    store.exec("UPDATE event_log SET value = lower(hex(randomblob(6))) WHERE name = 'epoch'");
    const restored = await openTestLog({ store });
    const page = restored.log.read({ after: cursor });
    expect([page.gap, idsOf(page.records)]).toEqual(["epoch", ["1"]]);
  });

  it("begins one when any of its users was content with less than `full`", async () => {
    const { file, cursors } = await cutOff({ synchronous: "full" }, {}, { synchronous: "full" });
    const { log } = await openLog({ file, boot: "second", synchronous: "full" });
    expect(log.read({ after: cursors[4] }).gap).toBe("epoch");
  });
});

describe("a log that cannot have lost commits goes on in its epoch", () => {
  it("as all of its users had them synced", async () => {
    const { file, cursors } = await cutOff({ synchronous: "full" }, { synchronous: "full" });
    const { log } = await openLog({ file, boot: "second" });
    expect(log.read({ after: cursors[2] })).toMatchObject({ records: [], gap: undefined });
  });

  it("as the system did not go down", async () => {
    const { file, cursors } = await cutOff();
    const { log } = await openLog({ file });
    expect(log.read({ after: cursors[2] }).gap).toBeUndefined();
    expect(log.read({ after: cursors[4] }).gap).toBe("future");
  });

  it("as it was closed before the system went down, whatever is written before it is opened", async () => {
    const { log, store, file } = await openLog({});
    const [cursor] = await append(log, "1", "2");
    await log.close();
    store.close();
    const again = await openTestStore({ file, boot: "second" });
    again.exec("CREATE TABLE t (a)");
    const { log: second } = await openTestLog({ store: again });
    expect(idsOf(second.read({ after: cursor }).records)).toEqual(["2"]);
    const third = await openLog({ file, boot: "second" });
    expect(third.log.bounds()).toEqual(second.bounds());
  });
});
