import { describe, expect, it } from "vitest";
import { createSqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { ownProcess } from "../../../src/store/process-identity.ts";
import type { Store } from "../../../src/store/store.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
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

describe("a data file of this version that was made before events had checksums", () => {
  it("goes on with its events, and has them for new ones", async () => {
    const { begin, store } = await openLeasedLog({ source: "us" });
    begin("old");
    store.exec("ALTER TABLE events DROP COLUMN checksum");
    const later = await openLeasedLog({ store: await openTestStore({ file: store.file }), source: "us" });
    later.begin("new");
    expect(idsOf(readAll(later.log))).toEqual(["old-created-0", "new-created-0"]);
    const rows = store.prepare("SELECT checksum IS NULL AS isWithout FROM events ORDER BY sequence").all();
    expect(rows).toEqual([{ isWithout: 1 }, { isWithout: 0 }]);
  });

  it("is written to by those who had it open before", async () => {
    const { begin, log, store } = await openLeasedLog({ source: "us" });
    store.exec("ALTER TABLE events DROP COLUMN checksum");
    createTestLeases(await openTestStore({ file: store.file }));
    begin("later");
    expect([idsOf(readAll(log)), log.stats().degraded]).toEqual([["later-created-0"], false]);
  });
});

const WITHOUT_LATER = `DROP INDEX open_jobs_to_cancel;
  ALTER TABLE open_jobs DROP COLUMN cancel_reason; ALTER TABLE open_jobs DROP COLUMN seen_at`;

describe("a data file of this version that was made before jobs had a last sign of life", () => {
  async function makeWithOpenJob() {
    const store = await openTestStore();
    const { begin } = await openLeasedLog({
      store,
      source: "gone",
      process: { ...own, startToken: "an earlier start" },
      now: () => 60_000,
    });
    begin("open");
    store.exec(WITHOUT_LATER);
    return store;
  }

  it("gets room for it, and keeps its open jobs", async () => {
    const { file } = await makeWithOpenJob();
    const store = await openTestStore({ file });
    const claimed = createTestLeases(store).claimOrphans();
    expect(claimed).toMatchObject([{ jobId: "open", seenAt: 60_000 }]);
  });

  it("gets it once, of several that open it", async () => {
    const { file } = await makeWithOpenJob();
    const [store, rival] = [await openTestStore({ file }), await openTestStore({ file })];
    const transaction: Store["transaction"] = (work) => {
      createSqliteEventLog({ store: rival });
      return store.transaction(work);
    };
    createSqliteEventLog({ store: { ...createFaultyStore(store), transaction } });
    expect(createTestLeases(store).claimOrphans()).toMatchObject([{ jobId: "open", seenAt: 60_000 }]);
  });

  it("is written to by those who had it open before", async () => {
    const before = await openLeasedLog({ source: "us" });
    before.store.exec(WITHOUT_LATER);
    createTestLeases(await openTestStore({ file: before.store.file }));
    before.begin("later");
    before.end("later");
    expect(before.log.stats().degraded).toBe(false);
  });
});
