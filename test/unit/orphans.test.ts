import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isJobEvent, type JobEvent } from "../../src/event/event.ts";
import { EventPublisher } from "../../src/event/publisher.ts";
import { createLeases } from "../../src/event-log/sqlite-leases.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { careForOrphans, type OrphanParts } from "../../src/orphans.ts";
import { ownProcess } from "../../src/store/process-identity.ts";
import { jobEvent, openTestLog } from "../fixtures/sqlite-logs.ts";

/** Nobody has run as this for long. */
const GONE = { ...ownProcess(), startToken: "before the flood" };

async function openSurvivor() {
  const { log, store } = await openTestLog();
  const leases = createLeases(store, { instanceId: "survivor" });
  onTestFinished(() => leases.release());
  const publisher = new EventPublisher({ log, source: "survivor" });
  const errors: unknown[] = [];
  const parts: OrphanParts = {
    registry: new WorkerJobRegistry(),
    publisher,
    observe: () => expect.fail("no job goes on here"),
    rebuild: undefined,
    onError: (error) => errors.push(error),
    intervalMs: 5,
  };
  const nextJobEvent = () =>
    new Promise<JobEvent>((resolve) => {
      const off = publisher.on(({ event }) => {
        if (!isJobEvent(event)) return;
        off();
        resolve(event);
      });
    });
  const leave = (instanceId: string, jobId: string) => {
    log.append([jobEvent("created", { jobId, source: instanceId })]);
    createLeases(store, { instanceId, process: GONE, heartbeatMs: 60_000, leaseMs: 60_000 });
  };
  return { log, leases, parts, errors, nextJobEvent, leave };
}

describe("the care for jobs whose process is gone", () => {
  it("ends those that were left before, and those that are left later on", async () => {
    const { log, leases, parts, errors, nextJobEvent, leave } = await openSurvivor();
    leave("first", "early");
    const early = nextJobEvent();
    const stop = await careForOrphans({ log, leases }, parts);
    expect((await early).data).toMatchObject({ jobId: "early", errorType: "interrupted" });
    const late = nextJobEvent();
    leave("second", "late");
    expect((await late).data).toMatchObject({ jobId: "late", errorType: "interrupted" });
    await stop();
    expect(errors).toEqual([]);
  });

  it("goes on after a failure, of which it tells", async () => {
    const { log, leases, parts, errors, nextJobEvent, leave } = await openSurvivor();
    leave("first", "early");
    const full = new Error("database or disk is full");
    const failing = [full];
    const claimOrphans = () => {
      const failure = failing.pop();
      if (failure !== undefined) throw failure;
      return leases.claimOrphans();
    };
    const ended = nextJobEvent();
    const stop = await careForOrphans({ log, leases: { ...leases, claimOrphans } }, parts);
    expect((await ended).data).toMatchObject({ jobId: "early", errorType: "interrupted" });
    await stop();
    expect(errors).toEqual([full]);
  });

  it("leaves them alone once it is over", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { log, leases, parts, leave } = await openSurvivor();
    const stop = await careForOrphans({ log, leases }, parts);
    await stop();
    leave("first", "early");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(leases.claimOrphans()).toMatchObject([{ jobId: "early", owner: "first" }]);
  });
});
