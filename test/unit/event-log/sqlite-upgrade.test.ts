import { describe, expect, it } from "vitest";
import { createSqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { ownProcess } from "../../../src/store/process-identity.ts";
import { makeFormerDataFile } from "../../fixtures/former-data-file.ts";
import { createTestLeases, openLeasedLog, ownersIn } from "../../fixtures/leased-log.ts";
import { idsOf, jobEvent, openTestStore, readAll } from "../../fixtures/sqlite-logs.ts";

const own = ownProcess();
const created = (source: string) => jobEvent("created", { jobId: `of ${source}`, source });
const SOURCES = ["gone", "signed out", "alive", "posted from afar"];

function makeFormer(): string {
  return makeFormerDataFile({
    processes: {
      gone: { ...own, startToken: "an earlier start" },
      "signed out": { ...own, pid: null },
      alive: own,
    },
    events: SOURCES.map(created),
  });
}

describe("a data file of the version before", () => {
  it("goes on under its epoch, with its events", async () => {
    const store = await openTestStore({ file: makeFormer() });
    const { log, begin } = await openLeasedLog({ store, source: "new" });
    expect(begin("another")).toEqual(["formerepoch-5"]);
    const ids = [...SOURCES.map((source) => `of ${source}`), "another"].map((id) => `${id}-created-0`);
    expect(idsOf(readAll(log))).toEqual(ids);
  });

  it("leaves the open jobs of processes that are gone, and of no others, to whoever opens it", async () => {
    const store = await openTestStore({ file: makeFormer() });
    const leases = createTestLeases(store);
    const claimed = leases.claimOrphans().map(({ jobId }) => jobId);
    expect(claimed.sort()).toEqual(["of gone", "of signed out"]);
    expect(ownersIn(store)).toEqual({
      "of gone": leases.id,
      "of signed out": leases.id,
      "of alive": "alive",
      "of posted from afar": null,
    });
    expect([leases.claimOrphans(), createTestLeases(store).claimOrphans()]).toEqual([[], []]);
  });

  it("is brought up once, and has then what a new one has", async () => {
    const store = await openTestStore({ file: makeFormer() });
    createSqliteEventLog({ store });
    createSqliteEventLog({ store: await openTestStore({ file: store.file }) });
    const fresh = await openTestStore();
    createSqliteEventLog({ store: fresh });
    const columns = `SELECT t.name AS "table", c.* FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
      ORDER BY t.name, c.cid`;
    expect(store.prepare(columns).all()).toEqual(fresh.prepare(columns).all());
    const indices = "SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name";
    expect(store.prepare(indices).all()).toEqual(fresh.prepare(indices).all());
  });

  it("is left as it is when it cannot be written", async () => {
    const store = await openTestStore({ file: makeFormer() });
    store.exec("PRAGMA query_only = 1");
    expect(() => createSqliteEventLog({ store })).toThrow("readonly");
    store.exec("PRAGMA query_only = 0");
    expect(createTestLeases(store).claimOrphans()).toHaveLength(2);
  });
});
