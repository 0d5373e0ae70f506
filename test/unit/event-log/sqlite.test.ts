import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSqliteEventLog, type SqliteEventLogOptions } from "../../../src/event-log/sqlite.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { describeEventLog } from "../../conformance/event-log.ts";
import {
  append,
  idsOf,
  openTestLog,
  openTestStore,
  readAll,
  temporaryFolder,
  unplaced,
} from "../../fixtures/sqlite-logs.ts";
import { errorFrom, thrownBy } from "../../fixtures/thrown.ts";

describeEventLog("the SQLite log", async ({ capacity }) => {
  const store = await openStore({ file: join(temporaryFolder(), "events.db"), synchronous: "off" });
  const log = createSqliteEventLog({ store, retention: { maxEvents: capacity } });
  return {
    append: (batch) => log.append(batch),
    read: (options) => log.read(options),
    bounds: () => log.bounds(),
    flush: () => log.flush(),
    close: () => log.close().finally(() => store.close()),
  };
});

describe("the SQLite log", () => {
  it("goes on where it ended, under the same epoch, when its file is opened again", async () => {
    const file = join(temporaryFolder(), "events.db");
    const first = await openTestLog({ file });
    const [cursor] = await append(first.log, "1", "2");
    await first.log.close();
    first.store.close();
    const second = await openTestLog({ file });
    expect(await append(second.log, "2", "3")).toEqual([undefined, expect.any(String)]);
    const page = second.log.read({ after: cursor });
    expect([page.gap, idsOf(page.records)]).toEqual([undefined, ["2", "3"]]);
  });

  it("has an epoch of its own in each file", async () => {
    const epochs = await Promise.all(
      Array.from({ length: 10 }, async () => (await openTestLog()).log.bounds().latest),
    );
    expect(new Set(epochs).size).toBe(10);
  });

  it("appends a batch whole or not at all", async () => {
    const { log, store } = await openTestLog();
    await append(log, "1");
    store.exec(
      "CREATE TRIGGER no3 BEFORE INSERT ON events WHEN NEW.id = '3' BEGIN SELECT raise(ABORT, 'no'); END",
    );
    // What fails is kept in memory, so ask the file.
    await append(log, "2", "3");
    const rows = store.prepare("SELECT id FROM events").all();
    expect(rows.map(({ id }) => id)).toEqual(["1"]);
  });

  it("takes batches larger than a statement or an index entry, and finds doubles in them", async () => {
    const { log } = await openTestLog();
    const ids = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    await append(log, "500");
    const cursors = await append(log, ...ids, "999");
    expect(cursors.filter((cursor) => cursor === undefined)).toHaveLength(2);
    expect(cursors[500]).toBeUndefined();
    expect(idsOf(readAll(log, 300))).toEqual(["500", ...ids.filter((id) => id !== "500")]);
  });

  it("keeps apart ids that are not Unicode", async () => {
    const { log } = await openTestLog();
    const cursors = await append(log, "a\ud800", "a\ud801", "a\ud800", "a\ufffd");
    expect(cursors.map((cursor) => cursor !== undefined)).toEqual([true, true, false, true]);
  });

  it("skips a row that is no event, and counts it", async () => {
    const { log, store } = await openTestLog();
    await append(log, "1", "2", "3");
    store.exec("UPDATE events SET json = '{\"torn' WHERE id = '2'");
    expect(idsOf(log.read().records)).toEqual(["1", "3"]);
    store.exec("UPDATE events SET json = 'null' WHERE id = '2'");
    expect(idsOf(log.read({ filter: { types: ["orchestra.*"] } }).records)).toEqual(["1", "3"]);
    expect(log.stats().unreadable).toBe(1);
  });

  it.each([
    ["a value", `replace(json, '"attempts":3', '"attempts":7')`],
    ["the name of a field", `replace(json, '"workerId"', '"workerIb"')`],
    ["its type", "CAST(json AS BLOB)"],
  ])("never shows a row in which %s is not what was written", async (_what, damaged) => {
    const { log, store } = await openTestLog();
    await append(log, "1", "2", "3");
    store.exec(`UPDATE events SET json = ${damaged} WHERE id = '2'`);
    expect(idsOf(readAll(log))).toEqual(["1", "3"]);
    expect(log.stats().unreadable).toBe(1);
  });

  it("says how much it holds, and where", async () => {
    const { log, file } = await openTestLog();
    expect(log.stats()).toEqual({
      file,
      events: 0,
      bytes: 0,
      degraded: false,
      detached: false,
      waiting: 0,
      writtenThrough: 0,
      lostToDisk: 0,
      failures: { write: 0, read: 0 },
      unreadable: 0,
      lastError: undefined,
    });
    await append(log, "1", "2");
    const { events, bytes } = log.stats();
    const json = unplaced("1").json.length;
    expect(events).toBe(2);
    expect(bytes).toBeGreaterThan(2 * json);
    expect(bytes).toBeLessThan(2 * json + 1_000);
  });

  it("tells the caller when the file cannot be read, and counts it", async () => {
    const { log, store } = await openTestLog();
    await append(log, "1");
    store.exec("ALTER TABLE events RENAME TO elsewhere");
    expect((await errorFrom(() => log.read())).code).toBe("INTERNAL");
    expect((await errorFrom(() => log.bounds())).code).toBe("INTERNAL");
    expect(log.stats()).toMatchObject({
      events: 0,
      failures: { read: 2 },
      lastError: expect.stringContaining("events"),
    });
  });

  it("leaves a file of a newer version alone", async () => {
    const { log, store } = await openTestLog();
    await log.close();
    store.exec("UPDATE event_log SET value = '3' WHERE name = 'schema'");
    const refusal = {
      code: "INVALID_CONFIG",
      path: "file",
      message: expect.stringContaining("newer version"),
    };
    expect(thrownBy(() => createSqliteEventLog({ store }))).toMatchObject(refusal);
    expect(store.prepare("SELECT value FROM event_log WHERE name = 'schema'").get()).toEqual({ value: "3" });
  });

  it.each<[string, Partial<SqliteEventLogOptions>]>([
    ["pollIntervalMs", { pollIntervalMs: 0 }],
    ["pollIntervalMs", { pollIntervalMs: 1.5 }],
    ["maxWaiting", { maxWaiting: 0 }],
    ["retention.maxAgeMs", { retention: { maxAgeMs: 0 } }],
    ["retention.maxEvents", { retention: { maxEvents: Number.NaN } }],
    ["retention.maxBytes", { retention: { maxBytes: -1 } }],
    ["retention.maxBytes", { retention: { maxBytes: "1" as never } }],
  ])("refuses a bad `%s`: %o", async (path, options) => {
    const store = await openTestStore();
    expect(thrownBy(() => createSqliteEventLog({ ...options, store }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path,
    });
  });
});

describe("the tail of the SQLite log", () => {
  it("holds so many events, whatever their sequences are", async () => {
    const { log, store } = await openTestLog();
    await append(log, "1", "2", "3", "4");
    store.exec("UPDATE events SET sequence = sequence * 1000000");
    const tails = [0, 1, 3].map((count) => idsOf(log.read({ after: log.tail(count) }).records));
    expect(tails).toEqual([[], ["4"], ["2", "3", "4"]]);
  });

  it("is the whole log when that holds no more, and can be read without a gap", async () => {
    const { log, store } = await openTestLog();
    expect(log.read({ after: log.tail(5) })).toMatchObject({ records: [], gap: undefined });
    await append(log, "1", "2", "3", "4");
    store.exec("DELETE FROM events WHERE id = '1'");
    const pages = [3, 4].map((count) => log.read({ after: log.tail(count) }));
    expect(pages.map(({ records, gap }) => [idsOf(records), gap])).toEqual([
      [["2", "3", "4"], undefined],
      [["2", "3", "4"], undefined],
    ]);
  });
});
