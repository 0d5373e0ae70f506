import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createLeases, type Leases, type LeasesOptions } from "../../../src/event-log/sqlite-leases.ts";
import { ownProcess, type ProcessIdentity } from "../../../src/store/process-identity.ts";
import type { Store } from "../../../src/store/store.ts";
import { createClock } from "../../fixtures/clock.ts";
import { jobEvent, openTestLog, unplaced } from "../../fixtures/sqlite-logs.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const own = ownProcess();
/** It had our pid, and began before us. */
const EARLIER: ProcessIdentity = { ...own, startToken: "an earlier start" };
const ELSEWHERE: ProcessIdentity = { ...own, host: "elsewhere" };

function createTestLeases(store: Store, instanceId: string, options: Partial<LeasesOptions> = {}): Leases {
  const leases = createLeases(store, { instanceId, ...options });
  onTestFinished(() => leases.release());
  return leases;
}

/** A log in which `owner` has begun two jobs and ended one. */
async function openLogOf(owner: string, options: Partial<LeasesOptions> = {}) {
  const { log, store, file } = await openTestLog();
  const leases = createTestLeases(store, owner, options);
  await log.append([
    jobEvent("created", { jobId: "open", source: owner }),
    jobEvent("created", { jobId: "ended", source: owner }),
    jobEvent("progress", { jobId: "open", source: owner, revision: 1 }),
    jobEvent("completed", { jobId: "ended", source: owner, revision: 1 }),
    jobEvent("progress", { jobId: "open", source: owner, revision: 2 }),
  ]);
  return { log, store, file, leases };
}

const ORPHAN = { jobId: "open", owner: "before", lastRevision: 2 };

describe("open jobs of a process that is gone", () => {
  it("are taken over, once", async () => {
    const { store } = await openLogOf("before", { process: EARLIER });
    const us = createTestLeases(store, "us");
    expect(us.claimOrphans()).toEqual([ORPHAN]);
    expect(us.claimOrphans()).toEqual([]);
    expect(createTestLeases(store, "them").claimOrphans()).toEqual([]);
  });

  it("are those of a process that was killed", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: "pipe" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    const identity = { ...own, pid: child.pid as number, startToken: null };
    const { store } = await openLogOf("before", { process: identity });
    const us = createTestLeases(store, "us");
    expect(us.claimOrphans()).toEqual([]);
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    expect(us.claimOrphans()).toEqual([ORPHAN]);
  });

  it("are those of a process that signed out and left some open", async () => {
    const { store, leases } = await openLogOf("before");
    leases.release();
    leases.release();
    leases.beat();
    expect(createTestLeases(store, "us").claimOrphans()).toEqual([ORPHAN]);
  });

  it("are those of the former process with our id", async () => {
    const { log, store } = await openLogOf("same", { process: EARLIER });
    const us = createTestLeases(store, "same");
    await log.append([jobEvent("created", { jobId: "ours", source: "same" })]);
    expect(us.claimOrphans()).toEqual([{ ...ORPHAN, owner: expect.stringMatching(/^same before /) }]);
    expect(us.claimOrphans()).toEqual([]);
  });

  it("are no longer found once they have ended", async () => {
    const { log, store } = await openLogOf("before", { process: EARLIER });
    await log.append([jobEvent("completed", { jobId: "open", source: "anybody", revision: 3 })]);
    expect(createTestLeases(store, "us").claimOrphans()).toEqual([]);
  });

  it("come without a revision when the log no longer tells it", async () => {
    const { log, store } = await openLogOf("before", { process: EARLIER });
    store.exec("DELETE FROM events");
    await log.append([unplaced("1")]);
    expect(createTestLeases(store, "us").claimOrphans()).toEqual([{ ...ORPHAN, lastRevision: undefined }]);
  });

  it("come with the last revision out of many events", async () => {
    const { log, store } = await openLogOf("before", { process: EARLIER });
    for (let revision = 3; revision < 2_503; revision++) {
      await log.append([jobEvent("progress", { jobId: "open", source: "before", revision })]);
    }
    expect(createTestLeases(store, "us").claimOrphans()).toEqual([{ ...ORPHAN, lastRevision: 2_502 }]);
  });
});

describe("open jobs of a process that is not known to be gone", () => {
  it("are left to a live sibling on this host, however long it was silent", async () => {
    const clock = createClock();
    const { store } = await openLogOf("before", { now: clock.now });
    clock.advance(24 * 60 * 60 * 1_000);
    expect(createTestLeases(store, "us", { now: clock.now }).claimOrphans()).toEqual([]);
  });

  it("are left to a process of another host until its lease has run out", async () => {
    const clock = createClock();
    const { store, leases } = await openLogOf("before", { process: ELSEWHERE, now: clock.now });
    const us = createTestLeases(store, "us", { now: clock.now });
    clock.advance(15_000);
    expect(us.claimOrphans()).toEqual([]);
    leases.beat();
    clock.advance(15_000);
    expect(us.claimOrphans()).toEqual([]);
    clock.advance(1);
    expect(us.claimOrphans()).toEqual([ORPHAN]);
  });

  it("go by the lease, too, where the system does not tell when a process began", async () => {
    const clock = createClock();
    const untold = { ...own, startToken: null };
    const { store } = await openLogOf("before", { process: untold, now: clock.now });
    const us = createTestLeases(store, "us", { now: clock.now, heartbeatMs: 10, leaseMs: 1_000 });
    clock.advance(1_000);
    expect(us.claimOrphans()).toEqual([]);
    clock.advance(1);
    expect(us.claimOrphans()).toEqual([ORPHAN]);
  });

  it("are left alone when their source never signed in", async () => {
    const { log, store } = await openTestLog();
    await log.append([
      jobEvent("created", { jobId: "posted", source: "remote" }),
      jobEvent("created", { jobId: "unsigned" }),
    ]);
    expect(createTestLeases(store, "us").claimOrphans()).toEqual([]);
  });

  it("are ours when we have them", async () => {
    const { leases } = await openLogOf("us");
    expect(leases.claimOrphans()).toEqual([]);
  });
});

describe("a job that is handed over", () => {
  it("belongs to who adopts it, dead or alive as the other may be", async () => {
    const { store, leases } = await openLogOf("before");
    const us = createTestLeases(store, "us");
    expect([us.adopt("open"), us.adopt("ended"), us.adopt("never")]).toEqual([true, false, false]);
    leases.release();
    expect(createTestLeases(store, "them").claimOrphans()).toEqual([]);
    us.release();
    expect(createTestLeases(store, "them").claimOrphans()).toEqual([{ ...ORPHAN, owner: "us" }]);
  });
});

describe("open jobs", () => {
  it("are not confused by ill-made events", async () => {
    const { log, store } = await openTestLog();
    const { event } = jobEvent("created", { jobId: "x", source: "s" });
    const hostile = [undefined, null, {}, { jobId: 7 }].map((data, index) => {
      const bad = { ...event, id: `${index}`, source: index as never, data: data as never };
      return { event: bad as typeof event, json: JSON.stringify(bad) };
    });
    await log.append(hostile);
    expect(log.stats().degraded).toBe(false);
    expect(store.prepare("SELECT * FROM open_jobs").all()).toEqual([]);
  });
});

describe("signs of life", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("are given by themselves, also after one could not be", async () => {
    const { store } = await openLogOf("before", { process: ELSEWHERE, heartbeatMs: 4_000 });
    const us = createTestLeases(store, "us");
    vi.advanceTimersByTime(30_000);
    expect(us.claimOrphans()).toEqual([]);
    store.exec("ALTER TABLE instances RENAME TO hidden");
    vi.advanceTimersByTime(10_000);
    store.exec("ALTER TABLE hidden RENAME TO instances");
    vi.advanceTimersByTime(14_000);
    expect(us.claimOrphans()).toEqual([]);
  });

  it.each<[string, Partial<LeasesOptions>]>([
    ["heartbeatMs", { heartbeatMs: 0 }],
    ["leaseMs", { leaseMs: 10, heartbeatMs: 11 }],
  ])("refuse a bad `%s`: %o", async (path, options) => {
    const { store } = await openTestLog();
    const bad = () => createLeases(store, { instanceId: "us", ...options });
    expect(thrownBy(bad)).toMatchObject({ code: "INVALID_ARGUMENT", path });
  });
});
