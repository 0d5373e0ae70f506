import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createLeases, type LeasesOptions, type OrphanedJob } from "../../../src/event-log/sqlite-leases.ts";
import { ownProcess, type ProcessIdentity } from "../../../src/store/process-identity.ts";
import type { Store } from "../../../src/store/store.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import {
  createTestLeases,
  type LeasedLogOptions,
  openLeasedLog,
  ownersIn,
} from "../../fixtures/leased-log.ts";
import { jobEvent, openTestLog, openTestStore, unplaced } from "../../fixtures/sqlite-logs.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const own = ownProcess();
/** It had our pid, and began before us. */
const EARLIER: ProcessIdentity = { ...own, startToken: "an earlier start" };

const idsOf = (jobs: readonly OrphanedJob[]) => jobs.map(({ jobId }) => jobId);

/** A process that has begun two jobs and ended one. */
async function openBefore(options: Partial<LeasedLogOptions> = {}) {
  const before = await openLeasedLog({ source: "before", ...options });
  before.begin("open", "ended");
  before.end("ended");
  return before;
}

describe("open jobs of a process that is gone", () => {
  it("are taken over, once, by the next that starts", async () => {
    const { store, leases } = await openBefore({ process: EARLIER });
    const us = createTestLeases(store);
    expect(us.claimOrphans()).toMatchObject([{ jobId: "open", owner: leases.id }]);
    expect(ownersIn(store)).toEqual({ open: us.id });
    expect([us.claimOrphans(), us.claimOrphans()]).toEqual([[], []]);
    expect(createTestLeases(store).claimOrphans()).toEqual([]);
  });

  it("are left for one look more by who runs already, so that a process started in its place has them", async () => {
    const { store, leases } = await openBefore();
    const [sibling, quicker] = [createTestLeases(store), createTestLeases(store)];
    expect([sibling.claimOrphans(), quicker.claimOrphans()]).toEqual([[], []]);
    leases.release();
    expect(sibling.claimOrphans()).toEqual([]);
    expect(idsOf(sibling.claimOrphans())).toEqual(["open"]);
    sibling.release();
    expect(quicker.claimOrphans()).toEqual([]);
    const successor = createTestLeases(store);
    expect(idsOf(successor.claimOrphans())).toEqual(["open"]);
    expect(quicker.claimOrphans()).toEqual([]);
  });

  it("are those of a process that was killed", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: "pipe" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    const { store } = await openBefore({ process: { ...own, pid: child.pid as number, startToken: null } });
    expect(createTestLeases(store).claimOrphans()).toEqual([]);
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    expect(idsOf(createTestLeases(store).claimOrphans())).toEqual(["open"]);
  });

  it("are those of a process that signed out and left some open", async () => {
    const { store, leases } = await openBefore();
    leases.release();
    leases.release();
    expect(idsOf(createTestLeases(store).claimOrphans())).toEqual(["open"]);
  });

  it("are those of the former process with our source, and not ours", async () => {
    const { store } = await openBefore({ source: "same", process: EARLIER });
    const us = await openLeasedLog({ source: "same", store });
    us.begin("ours");
    expect(idsOf(us.leases.claimOrphans())).toEqual(["open"]);
    expect(idsOf(createTestLeases(store).claimOrphans())).toEqual([]);
  });

  it("are no longer found once they have ended", async () => {
    const { store, end } = await openBefore({ process: EARLIER });
    end("open");
    expect(createTestLeases(store).claimOrphans()).toEqual([]);
  });

  it("are returned when they could not be recovered", async () => {
    const { store } = await openBefore({ process: EARLIER });
    const us = createTestLeases(store);
    us.claimOrphans();
    us.release();
    expect(createTestLeases(store).claimOrphans()).toMatchObject([{ jobId: "open", owner: us.id }]);
  });

  it("are forgotten when there is nothing left to tell of them", async () => {
    const { store } = await openBefore({ process: EARLIER });
    const us = createTestLeases(store);
    const [orphan] = us.claimOrphans() as [OrphanedJob];
    us.forget(orphan);
    us.release();
    expect(createTestLeases(store).claimOrphans()).toEqual([]);
  });

  it("are not forgotten for a former one of the same id", async () => {
    const { store } = await openBefore({ process: EARLIER });
    const us = await openLeasedLog({ source: "us", store });
    const [orphan] = us.leases.claimOrphans() as [OrphanedJob];
    us.log.append([jobEvent("created", { jobId: "open", source: "us", revision: 7 })]);
    us.leases.forget(orphan);
    expect(ownersIn(store)).toEqual({ open: us.leases.id });
  });

  it("leave no process behind in the file", async () => {
    const { store, leases, end } = await openBefore();
    createTestLeases(store, { process: EARLIER });
    end("open");
    leases.release();
    const us = createTestLeases(store);
    us.claimOrphans();
    expect(store.prepare("SELECT id FROM instances").all()).toEqual([{ id: us.id }]);
  });
});

describe("where to read an orphan's story from", () => {
  /** What the log tells of the job from there on. */
  async function storyOf(log: Awaited<ReturnType<typeof openTestLog>>["log"], store: Store) {
    const [orphan] = createTestLeases(store).claimOrphans();
    const { records } = log.read({ after: orphan?.after, filter: { jobIds: ["nightly"] } });
    return records.map(({ event }) => event.id);
  }
  const nightly = (type: "created" | "progress" | "completed", revision: number) =>
    jobEvent(type, { jobId: "nightly", source: "before", revision });

  it("is where this run began, and not an earlier one of the same id", async () => {
    const { log, store } = await openLeasedLog({ source: "before", process: EARLIER });
    log.append([nightly("created", 1), nightly("completed", 1), unplaced("between"), nightly("created", 2)]);
    expect(await storyOf(log, store)).toEqual(["nightly-created-2"]);
  });

  it("is a place that there is, also when the numbers leapt before it", async () => {
    const { log, store } = await openLeasedLog({ source: "before", process: EARLIER });
    log.append([nightly("created", 1), nightly("completed", 1), nightly("created", 2)]);
    store.exec("UPDATE events SET sequence = 9000 WHERE sequence = 3; UPDATE open_jobs SET created = 9000");
    expect(await storyOf(log, store)).toEqual(["nightly-created-2"]);
  });

  it("is the oldest event held when retention has removed the beginning", async () => {
    const { log, store } = await openLeasedLog({ source: "before", process: EARLIER });
    log.append([nightly("created", 1), unplaced("between")]);
    store.exec("DELETE FROM events WHERE sequence = 1");
    log.append([nightly("progress", 2)]);
    expect(await storyOf(log, store)).toEqual(["nightly-progress-2"]);
  });
});

describe("open jobs of a process that is not known to be gone", () => {
  const ELSEWHERE: ProcessIdentity = { ...own, host: "elsewhere" };
  const UNTOLD: ProcessIdentity = { ...own, startToken: null };

  /** Who looks; `after` looks again so many milliseconds later. */
  function createLooker(store: Store, options: LeasesOptions = {}) {
    let time = 0;
    const leases = createTestLeases(store, { elapsed: () => time, ...options });
    const after = (ms: number) => {
      time += ms;
      return idsOf(leases.claimOrphans());
    };
    return { leases, after };
  }

  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("are left to a live sibling on this host, however long it was silent", async () => {
    const { store } = await openBefore();
    const us = createLooker(store);
    const looks = Array.from({ length: 100 }, () => us.after(60_000));
    expect(looks.flat()).toEqual([]);
  });

  it.each([
    ["of another host", ELSEWHERE],
    ["where the system does not tell when a process began", UNTOLD],
  ])("are left to a process %s until we saw it silent for its lease", async (_, identity) => {
    const { store } = await openBefore({ process: identity });
    const us = createLooker(store);
    // At first, when its lease has run out, and after a look of grace.
    const looks = [
      us.after(0),
      us.after(5_000),
      us.after(5_000),
      us.after(4_999),
      us.after(1),
      us.after(5_000),
    ];
    expect(looks).toEqual([[], [], [], [], [], ["open"]]);
  });

  it("are left to it after a sign of life, late as that may be", async () => {
    const { store } = await openBefore({ process: ELSEWHERE, heartbeatMs: 14_000, leaseMs: 28_000 });
    const us = createLooker(store);
    us.after(0);
    const looks = Array.from({ length: 40 }, (_, index) => {
      if (index % 2 === 1) vi.advanceTimersByTime(14_000);
      return us.after(5_000);
    });
    expect(looks.flat()).toEqual([]);
  });

  it("are left to it for another interval when it is us who slept", async () => {
    const { store } = await openBefore({ process: ELSEWHERE });
    const us = createLooker(store);
    us.leases.adopt("open");
    us.after(0);
    us.after(5_000);
    const night = 8 * 60 * 60 * 1_000;
    expect(us.after(night)).toEqual([]);
    vi.advanceTimersByTime(5_000);
    expect([us.after(5_000), us.after(5_000), us.after(5_000)]).toEqual([[], [], []]);
  });

  it("are left to it however the clock on the wall jumps", async () => {
    const { store } = await openBefore({ process: ELSEWHERE, now: () => 0 });
    const us = createLooker(store, { now: () => Number.MAX_SAFE_INTEGER });
    expect([us.after(0), us.after(5_000), us.after(5_000)]).toEqual([[], [], []]);
  });

  it("are left alone for as long when their process could not sign in", async () => {
    const { store } = await openBefore();
    store.exec("DELETE FROM instances");
    const us = createLooker(store);
    const looks = [us.after(0), us.after(5_000), us.after(5_000), us.after(5_000), us.after(5_000)];
    expect(looks).toEqual([[], [], [], [], ["open"]]);
  });

  it("are left alone when they were posted from afar", async () => {
    const { log, store } = await openLeasedLog({ source: "before", process: EARLIER });
    log.append([jobEvent("created", { jobId: "posted", source: "remote" })]);
    const us = createLooker(store);
    const looks = Array.from({ length: 10 }, () => us.after(5_000));
    expect(looks.flat()).toEqual([]);
  });

  it("are left to a live process of the same source", async () => {
    const { store, leases } = await openBefore({ source: "same" });
    const second = await openLeasedLog({ source: "same", store });
    second.begin("of the second");
    leases.release();
    const us = createLooker(store);
    expect(us.after(0)).toEqual(["open"]);
    expect([us.after(5_000), us.after(5_000)]).toEqual([[], []]);
    expect(ownersIn(store)).toMatchObject({ "of the second": second.leases.id });
  });

  it("are ours when we have them", async () => {
    const { leases } = await openBefore();
    expect(leases.claimOrphans()).toEqual([]);
  });
});

describe("a job that is handed over", () => {
  it("is announced when a process has it open", async () => {
    const { store, log, leases } = await openBefore();
    log.append([jobEvent("created", { jobId: "posted", source: "remote" })]);
    const us = createTestLeases(store);
    const adopted = ["open", "ended", "never", "posted"].map((jobId) => us.adopt(jobId));
    expect(adopted).toEqual([true, false, false, false]);
    expect(leases.adopt("open")).toBe(true);
    expect(us.claimOrphans()).toEqual([]);
    expect(ownersIn(store)).toMatchObject({ open: leases.id });
  });

  it("goes to who adopted it before any sibling takes what else was left", async () => {
    const { store, leases, begin } = await openBefore();
    begin("other");
    const [us, sibling] = [createTestLeases(store), createTestLeases(store)];
    us.adopt("open");
    us.adopt("other");
    us.adopt("ended");
    sibling.adopt("other");
    expect([us.claimOrphans(), sibling.claimOrphans()]).toEqual([[], []]);
    leases.release();
    expect(idsOf(sibling.claimOrphans())).toEqual(["other"]);
    expect(idsOf(us.claimOrphans())).toEqual(["open"]);
    expect([sibling.claimOrphans(), us.claimOrphans()]).toEqual([[], []]);
  });

  it("goes to a process that starts and adopts it, with a sibling about", async () => {
    const { store, leases } = await openBefore();
    const sibling = createTestLeases(store);
    sibling.claimOrphans();
    leases.release();
    sibling.claimOrphans();
    const us = createTestLeases(store);
    expect(us.adopt("open")).toBe(true);
    expect(idsOf(us.claimOrphans())).toEqual(["open"]);
    expect(sibling.claimOrphans()).toEqual([]);
  });
});

describe("a claim", () => {
  /** Others act once a look has been made, and before the claim that follows from it. */
  function storeWithRival(store: Store, act: () => void): Store {
    const transaction: Store["transaction"] = (work) => {
      act();
      return store.transaction(work);
    };
    return { ...createFaultyStore(store), transaction };
  }

  it("is not made when another was made since the look", async () => {
    const { store } = await openBefore({ process: EARLIER });
    const rival = createTestLeases(store);
    const us = createTestLeases(storeWithRival(store, () => void rival.claimOrphans()));
    expect(us.claimOrphans()).toEqual([]);
    expect(ownersIn(store)).toEqual({ open: rival.id });
  });

  it.each([true, false])("is not made when the process showed life since, adopted: %s", async (isAdopted) => {
    const { store, leases } = await openBefore();
    const beat = () => store.exec("UPDATE instances SET beat = beat + 1");
    const us = createTestLeases(storeWithRival(store, beat));
    if (isAdopted) us.adopt("open");
    us.claimOrphans();
    store.exec("UPDATE instances SET start_token = 'an earlier start'");
    expect([us.claimOrphans(), us.claimOrphans()]).toEqual([[], []]);
    expect(ownersIn(store)).toEqual({ open: leases.id });
  });

  it("writes nothing when there is nothing to claim, and is made later when the file is locked", async () => {
    const { store, leases } = await openBefore();
    const busy = await openTestStore({ file: store.file, busyTimeoutMs: 1 });
    const us = createTestLeases(busy);
    store.exec("BEGIN IMMEDIATE");
    expect(us.claimOrphans()).toEqual([]);
    store.exec("COMMIT");
    leases.release();
    expect(us.claimOrphans()).toEqual([]);
    store.exec("BEGIN IMMEDIATE");
    expect(() => us.claimOrphans()).toThrow("locked");
    store.exec("COMMIT");
    expect(idsOf(us.claimOrphans())).toEqual(["open"]);
  });
});

describe("signing in", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  const signedIn = (store: Store) => store.prepare("SELECT id, beat, beat_at FROM instances").all();

  it("is repeated as a sign of life, until it is over", async () => {
    let now = 1_000;
    const store = await openTestStore();
    await openTestLog({ store });
    const leases = createTestLeases(store, { now: () => now });
    const { id } = leases;
    expect(signedIn(store)).toEqual([{ id, beat: 1, beat_at: 1_000 }]);
    now = 6_000;
    vi.advanceTimersByTime(5_000);
    expect(signedIn(store)).toEqual([{ id, beat: 2, beat_at: 6_000 }]);
    leases.release();
    vi.advanceTimersByTime(60_000);
    expect(signedIn(store)).toEqual([]);
  });

  it("is made good for when the file was locked, and keeps no process from starting", async () => {
    const { store } = await openBefore();
    const busy = await openTestStore({ file: store.file, busyTimeoutMs: 1 });
    store.exec("BEGIN IMMEDIATE");
    const { id } = createTestLeases(busy);
    store.exec("COMMIT");
    expect(signedIn(store)).not.toContainEqual(expect.objectContaining({ id }));
    vi.advanceTimersByTime(5_000);
    expect(signedIn(store)).toContainEqual(expect.objectContaining({ id }));
  });

  it("leaves its jobs to others by its end, also when it never came about", async () => {
    const real = await openTestStore();
    const store = createFaultyStore(real);
    await openTestLog({ store: real });
    store.fault = /INTO instances/;
    const us = await openLeasedLog({ store, source: "us" });
    us.begin("open");
    store.fault = undefined;
    us.leases.release();
    expect(idsOf(createTestLeases(real).claimOrphans())).toEqual(["open"]);
  });

  it("ends without a word when the file cannot be written", async () => {
    const { leases, store } = await openBefore();
    store.close();
    expect(() => leases.release()).not.toThrow();
  });

  it.each<[string, LeasesOptions]>([
    ["heartbeatMs", { heartbeatMs: 0 }],
    ["leaseMs", { leaseMs: 19, heartbeatMs: 10 }],
  ])("refuses a bad `%s`: %o", async (path, options) => {
    const { store } = await openTestLog();
    const bad = () => createLeases(store, options);
    expect(thrownBy(bad)).toMatchObject({ code: "INVALID_ARGUMENT", path });
  });
});
