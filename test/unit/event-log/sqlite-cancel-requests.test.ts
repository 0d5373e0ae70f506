import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CancelRequests } from "../../../src/event-log/sqlite-cancel-requests.ts";
import { ownProcess } from "../../../src/store/process-identity.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import { openLeasedLog } from "../../fixtures/leased-log.ts";
import { jobEvent, openTestStore } from "../../fixtures/sqlite-logs.ts";

const own = ownProcess();

/** Two processes at one file, the first of which has a job. */
async function openTwo(first: Partial<Parameters<typeof openLeasedLog>[0]> = {}) {
  const runner = await openLeasedLog({ source: "runner", ...first });
  const store = await openTestStore({ file: runner.store.file });
  const asker = await openLeasedLog({ store, source: "asker" });
  await runner.begin("a");
  const of = (log: typeof runner) => new CancelRequests(log.store, { lease: log.leases.id });
  return { runner, asker, asking: of(asker), asked: of(runner) };
}

describe("a request to cancel a job of another process", () => {
  it("reaches who runs it, once, with its reason", async () => {
    const { asking, asked } = await openTwo();
    expect(asking.ask("a", "too slow")).toBe(true);
    expect(asking.take()).toEqual([]);
    expect(asked.take()).toEqual([{ jobId: "a", reason: "too slow" }]);
    expect(asked.take()).toEqual([]);
  });

  it("may give no reason, and may be made anew", async () => {
    const { asking, asked } = await openTwo();
    asking.ask("a", undefined);
    expect(asked.take()).toEqual([{ jobId: "a", reason: undefined }]);
    asking.ask("a", "first");
    asking.ask("a", "second");
    expect(asked.take()).toEqual([{ jobId: "a", reason: "second" }]);
  });

  it("is not made for a job that nobody else runs", async () => {
    const { runner, asker, asking, asked } = await openTwo();
    await asker.begin("own");
    await asker.log.append([jobEvent("created", { jobId: "posted", source: "afar" })]);
    runner.end("a");
    for (const jobId of ["a", "own", "posted", "unknown"]) expect(asking.ask(jobId, "why")).toBe(false);
    expect(asked.take()).toEqual([]);
  });

  it("is not made for a job whose process is gone", async () => {
    const gone = await openTwo({ process: { ...own, startToken: "an earlier start" } });
    expect(gone.asking.ask("a", "why")).toBe(false);
    const { runner, asking } = await openTwo();
    runner.leases.release();
    expect(asking.ask("a", "why")).toBe(false);
  });

  it("is gone with the run that it was for", async () => {
    const { runner, asking, asked } = await openTwo();
    asking.ask("a", "for the first run");
    runner.end("a");
    runner.begin("a");
    expect(asked.take()).toEqual([]);
    runner.begin("b");
    asking.ask("b", "for the first run");
    await runner.log.append([jobEvent("created", { jobId: "b", source: "runner", revision: 1 })]);
    expect(asked.take()).toEqual([]);
  });

  it("is found without a look at the jobs that are open", async () => {
    const { runner } = await openTwo();
    const plans: string[] = [];
    const prepare = (sql: string) => {
      const plan = runner.store.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      plans.push(...plan.map(({ detail }) => String(detail)));
      return runner.store.prepare(sql);
    };
    new CancelRequests({ ...createFaultyStore(runner.store), prepare }, { lease: "us" });
    expect(plans.filter((detail) => detail.startsWith("SCAN"))).toEqual([]);
    expect(plans).toContain("SEARCH open_jobs USING INDEX open_jobs_to_cancel (owner=?)");
  });

  it("is there for who takes the job over", async () => {
    const { asker, asking, asked, runner } = await openTwo();
    asking.ask("a", "why");
    runner.leases.release();
    asker.leases.claimOrphans();
    expect([asked.take(), asking.take()]).toEqual([[], [{ jobId: "a", reason: "why" }]]);
  });

  it("is looked for again when the file cannot be read, and no more when that is over", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { runner, asking } = await openTwo();
    const store = createFaultyStore(runner.store);
    const asked = new CancelRequests(store, { lease: runner.leases.id, intervalMs: 100 });
    const seen: string[] = [];
    asked.watch(({ jobId }) => seen.push(jobId));
    asking.ask("a", "why");
    store.fault = /cancel_reason/;
    vi.advanceTimersByTime(200);
    expect(seen).toEqual([]);
    store.fault = undefined;
    vi.advanceTimersByTime(100);
    expect(seen).toEqual(["a"]);
    asked.close();
    asking.ask("a", "why");
    vi.advanceTimersByTime(1_000);
    expect(seen).toEqual(["a"]);
  });
});
