import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OrphanedJob } from "../../../src/event-log/sqlite-leases.ts";
import { ownProcess } from "../../../src/store/process-identity.ts";
import type { Store } from "../../../src/store/store.ts";
import { createTestLeases, openLeasedLog } from "../../fixtures/leased-log.ts";
import { jobEvent } from "../../fixtures/sqlite-logs.ts";

const GONE = { ...ownProcess(), startToken: "an earlier start" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** A process that begins a job, shows its last sign of life at `seenAt`, and is gone. */
async function openGone(seenAt: number, store?: Store) {
  let time = seenAt - 5_000;
  const gone = await openLeasedLog({
    source: "gone",
    process: GONE,
    now: () => time,
    ...(store && { store }),
  });
  gone.begin("j");
  time = seenAt;
  vi.advanceTimersByTime(5_000);
  const leave = (at: number) => {
    time = at;
    gone.leases.release();
  };
  return { ...gone, leave };
}

/** What a process that starts finds, and itself leaves behind: its last sign of life is at 99,000. */
function claimAsGone(store: Store) {
  const leases = createTestLeases(store, { process: GONE, now: () => 99_000 });
  const [orphan] = leases.claimOrphans() as [OrphanedJob];
  return { leases, orphan };
}

describe("the last sign of life of an orphan's process", () => {
  it("is its last heartbeat", async () => {
    const { store } = await openGone(60_000);
    expect(claimAsGone(store).orphan.seenAt).toBe(60_000);
  });

  it("is when it signed out, where it left the job open", async () => {
    const { store, leave } = await openGone(60_000);
    leave(61_000);
    expect(claimAsGone(store).orphan.seenAt).toBe(61_000);
  });

  it("is not known when it never signed in", async () => {
    let time = 0;
    const { store } = await openGone(60_000);
    store.exec("DELETE FROM instances");
    const us = createTestLeases(store, { elapsed: () => time });
    const looks = Array.from({ length: 5 }, () => {
      time += 5_000;
      return us.claimOrphans();
    });
    expect(looks.flat()).toMatchObject([{ jobId: "j", seenAt: undefined }]);
  });

  it("is told with a job that was handed over", async () => {
    const { store, leave } = await openGone(60_000);
    store.exec("UPDATE instances SET start_token = NULL");
    const us = createTestLeases(store);
    us.adopt("j");
    us.claimOrphans();
    leave(61_000);
    expect(us.claimOrphans()).toMatchObject([{ jobId: "j", seenAt: 61_000 }]);
  });

  it("stays what it was when who took the job over is gone as well, job unrecovered", async () => {
    const { store } = await openGone(60_000);
    const { orphan, leases } = claimAsGone(store);
    expect(claimAsGone(store).orphan).toEqual({ ...orphan, owner: leases.id });
  });

  it("is that of who went on with the job", async () => {
    const { store } = await openGone(60_000);
    const { leases, orphan } = claimAsGone(store);
    leases.resume(orphan);
    expect(claimAsGone(store).orphan.seenAt).toBe(99_000);
  });

  it("is not touched by going on with a former run of the same id", async () => {
    const { store } = await openGone(60_000);
    const { leases, orphan } = claimAsGone(store);
    leases.resume({ ...orphan, created: orphan.created - 1 });
    expect(claimAsGone(store).orphan.seenAt).toBe(60_000);
  });

  it("is that of who began the job anew", async () => {
    const { store } = await openGone(60_000);
    claimAsGone(store);
    const { log } = await openLeasedLog({ source: "later", store, process: GONE, now: () => 77_000 });
    log.append([jobEvent("created", { jobId: "j", source: "later", revision: 7 })]);
    expect(claimAsGone(store).orphan.seenAt).toBe(77_000);
  });
});
