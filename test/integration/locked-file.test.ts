import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createSqliteEventLog } from "../../src/event-log/sqlite.ts";
import { createLeases } from "../../src/event-log/sqlite-leases.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { loadSqlite } from "../../src/store/runtime-sqlite.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { createFileLock } from "../fixtures/file-lock.ts";
import { createOutboxRig } from "../fixtures/outbox-rig.ts";
import { append, idsOf, openTestLog, readAll } from "../fixtures/sqlite-logs.ts";
import { createWaitingDatabase } from "../fixtures/waiting-database.ts";

const NOBODY = "http://127.0.0.1:1/v1/traces";
const TIMEOUT_MS = 5;
const POLL_MS = 100;
const HEARTBEAT_MS = 1_000;

/** A file with all its tables, and everything that writes it on one store. */
async function openAll() {
  const { file } = await openTestLog();
  const database = createWaitingDatabase((await loadSqlite())(file));
  const store = new SqliteStore(file, database, { busyTimeoutMs: TIMEOUT_MS });
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const leases = createLeases(store, { heartbeatMs: HEARTBEAT_MS });
  const log = createSqliteEventLog({ store, pollIntervalMs: POLL_MS, onWarning });
  const spans = await createOutboxRig({ store, url: NOBODY });
  onTestFinished(async () => {
    await log.close();
    leases.release();
    store.close();
  });
  return { file, log, spans, waits: database.waits, warnings, lock: createFileLock(file) };
}

describe("a file that somebody locks while it is in use", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("holds up log, leases and spans once in all, and gets everything when it is free", async () => {
    const { file, log, spans, waits, warnings, lock } = await openAll();
    await append(log, "before");
    lock.hold();
    for (let count = 0; count < 10; count++) {
      await append(log, `${count}`);
      spans.end(1);
      spans.time.advance(1_000);
      vi.advanceTimersByTime(HEARTBEAT_MS);
    }
    expect(waits.length).toBeGreaterThan(20);
    expect(waits.filter((ms) => ms > 0)).toEqual([TIMEOUT_MS]);
    expect(log.stats()).toMatchObject({ degraded: true, waiting: 10, lostToDisk: 0 });
    expect(warnings).toEqual([expect.stringContaining("locked")]);

    lock.letGo();
    vi.advanceTimersByTime(10 * POLL_MS);
    spans.time.advance(1_000);
    expect(log.stats()).toMatchObject({ degraded: false, waiting: 0, writtenThrough: 10 });
    const elsewhere = await openTestLog({ file });
    expect(readAll(elsewhere.log)).toHaveLength(11);
    const [{ spans: stored }] = elsewhere.store
      .prepare("SELECT sum(spans) AS spans FROM span_chunk")
      .all() as [{ spans: number }];
    expect([stored, spans.outbox.stats().dropped.disk_error]).toEqual([10, 0]);
  });

  it("is waited for by a flush, for a moment, without holding up anything", async () => {
    const { file, log, lock } = await openAll();
    lock.hold();
    await append(log, "1");
    const flushed = log.flush();
    await nextTurn();
    lock.letGo();
    await flushed;
    expect(idsOf(readAll((await openTestLog({ file })).log))).toEqual(["1"]);
  });
});

describe("a file that somebody keeps locked from before the start", () => {
  async function start(dataFile: string) {
    const warnings: string[] = [];
    const registry = new WorkerJobRegistry();
    const telemetry = await startTelemetry({
      env: {},
      dataFile,
      bridge: false,
      traces: false,
      registry,
      onWarning: (message) => warnings.push(message),
    });
    onTestFinished(() => telemetry.shutdown());
    return { telemetry, warnings };
  }

  it("is read at once, and written when it is free", async () => {
    const { log, store, file } = await openTestLog();
    await append(log, "before");
    await log.close();
    store.close();
    const lock = createFileLock(file);
    lock.hold();
    const { telemetry, warnings } = await start(file);
    await telemetry.flush();
    await telemetry.run({ id: "j", workerId: "w", message: "m" }, () => "ok");
    expect(telemetry.stats().log).toMatchObject({ events: 1, degraded: true });
    expect(warnings).toEqual([expect.stringMatching(/cannot be written \(database is locked\)/)]);
    lock.letGo();
    await telemetry.flush();
    expect(telemetry.stats().log).toMatchObject({ degraded: false, waiting: 0, lostToDisk: 0 });
    const types = readAll((await openTestLog({ file })).log).map(({ event }) => event.type);
    expect(types).toEqual(["orchestra.error", "orchestra.job.created", "orchestra.job.completed"]);
  });

  it("costs, when it stays locked, what waited, which a shutdown tells", async () => {
    const { log, store, file } = await openTestLog();
    await log.close();
    store.close();
    createFileLock(file).hold();
    const { telemetry, warnings } = await start(file);
    await telemetry.run({ id: "j", workerId: "w", message: "m" }, () => "ok");
    await telemetry.shutdown();
    const reason = "2 events are only in memory: database is locked";
    expect(warnings).toContain(`Shutdown: the flush failed: ${reason}`);
    expect(warnings.join()).not.toContain("did not finish");
    expect(telemetry.stats().log).toMatchObject({ lostToDisk: 2 });
  });

  it("that has no tables yet is done without, which is told once", async () => {
    const { file } = await openTestLog();
    const other = `${file}-other`;
    const lock = createFileLock(other);
    lock.hold();
    const { telemetry, warnings } = await start(other);
    await telemetry.run({ id: "j", workerId: "w", message: "m" }, () => "ok");
    expect(telemetry.stats().log).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(`${other} cannot be used (database is locked)`)]);
  });
});
