import { describe, expect, it } from "vitest";
import type { Job, JobEventKind } from "../../../src/job/job.ts";
import { WorkerJobRegistry, workerJobs } from "../../../src/job/registry.ts";
import { createClock, START_MS } from "../../fixtures/clock.ts";
import { createIds } from "../../fixtures/ids.ts";

function setUp() {
  const clock = createClock();
  const jobs = new WorkerJobRegistry({ now: clock.now, createId: createIds() });
  const told: [JobEventKind, Readonly<Job>][] = [];
  jobs.onJobEvent((job, event) => told.push([event, job]));
  return { clock, jobs, told };
}

describe("a job's life", () => {
  it("begins running, with all that is known of it", () => {
    const { jobs, told } = setUp();
    const job = jobs.create({
      workerId: "coder",
      message: "build",
      sessionId: "s",
      requestedBy: "planner",
      parentJobId: "p",
      workflow: { runId: "r", stepId: "1" },
      attempt: 2,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(job).toMatchObject({
      id: "job-1",
      workerId: "coder",
      message: "build",
      sessionId: "s",
      requestedBy: "planner",
      parentJobId: "p",
      workflow: { runId: "r", stepId: "1" },
      attempt: 2,
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      status: "running",
      startedAt: START_MS,
      updatedAt: START_MS,
      queuedAt: undefined,
    });
    expect(told).toEqual([["created", job]]);
    expect(jobs.get("job-1")).toBe(job);
  });

  it("may begin in a queue", () => {
    const { clock, jobs, told } = setUp();
    const queued = jobs.create({ workerId: "w", message: "m", queued: true });
    expect(queued).toMatchObject({ status: "queued", queuedAt: START_MS });
    clock.advance(250);
    const started = jobs.start(queued.id);
    expect(started).toMatchObject({
      status: "running",
      queuedAt: START_MS,
      startedAt: START_MS + 250,
      updatedAt: START_MS + 250,
    });
    expect(told.map(([event]) => event)).toEqual(["created", "started"]);
  });

  it("goes on by progress, of which the latest counts", () => {
    const { clock, jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    jobs.updateProgress(id, { message: "one", percent: 0 });
    clock.advance(5);
    const progress = { message: "two", percent: 100, current: 3, total: 3, unit: "files", stage: "test" };
    expect(jobs.updateProgress(id, progress).progress).toEqual({ ...progress, updatedAt: START_MS + 5 });
  });

  it("ends well, with or without a response", () => {
    const { clock, jobs } = setUp();
    const [a, b] = [
      jobs.create({ workerId: "w", message: "m" }),
      jobs.create({ workerId: "w", message: "m" }),
    ];
    clock.advance(40);
    expect(jobs.setResult(a.id, { responseText: "ok" })).toMatchObject({
      status: "succeeded",
      responseText: "ok",
      finishedAt: START_MS + 40,
      durationMs: 40,
      updatedAt: START_MS + 40,
    });
    expect(jobs.setResult(b.id).responseText).toBeUndefined();
  });

  it.each([
    [{ error: new RangeError("too far") }, "too far", "RangeError"],
    [{ error: "text" }, "text", "_OTHER"],
    [{ error: "late", errorType: "timeout" }, "late", "timeout"],
    [{ error: new RangeError("x"), errorType: "" }, "x", "RangeError"],
  ])("fails with a text and a class: %o", (failure, error, errorType) => {
    const { jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    expect(jobs.setError(id, failure)).toMatchObject({ status: "failed", error, errorType });
  });

  it("is canceled, with or without a reason", () => {
    const { jobs } = setUp();
    const [a, b] = [
      jobs.create({ workerId: "w", message: "m" }),
      jobs.create({ workerId: "w", message: "m" }),
    ];
    expect(jobs.cancel(a.id, { reason: "enough" })).toMatchObject({ status: "canceled", reason: "enough" });
    expect(jobs.cancel(b.id)).toMatchObject({ status: "canceled", reason: undefined });
  });

  it("is held under a random id unless one is given, by a clock of its own", () => {
    const jobs = new WorkerJobRegistry();
    const before = Date.now();
    const job = jobs.create({ workerId: "w", message: "m" });
    expect(job.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(job.startedAt).toBeGreaterThanOrEqual(before);
    expect(workerJobs).toBeInstanceOf(WorkerJobRegistry);
  });
});

describe("a report", () => {
  const report = { summary: "s", details: "d", issues: ["i"], notes: "n" };

  it("attached before the end travels with it, without an event of its own", () => {
    const { jobs, told } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    expect(jobs.attachReport(id, report).report).toEqual(report);
    expect(jobs.setResult(id).report).toEqual(report);
    expect(told.map(([event]) => event)).toEqual(["created", "completed"]);
  });

  it("given with the end replaces the one before", () => {
    const { jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    jobs.attachReport(id, report);
    expect(jobs.cancel(id, { report: { summary: "newer" } }).report).toMatchObject({ summary: "newer" });
  });

  it("attached after the end is told", () => {
    const { clock, jobs, told } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    jobs.setError(id, { error: "x" });
    clock.advance(9);
    const job = jobs.attachReport(id, report);
    expect(job).toMatchObject({ status: "failed", report, updatedAt: START_MS + 9, finishedAt: START_MS });
    expect(told.at(-1)).toEqual(["reported", job]);
    expect(jobs.get(id)).toBe(job);
  });
});

describe("a record once handed out", () => {
  it("stays as it was", () => {
    const { jobs, told } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m", workflow: { runId: "r" } });
    jobs.updateProgress(id, { message: "half" });
    jobs.setResult(id, { responseText: "ok" });
    expect(told.map(([, job]) => [job.status, job.progress?.message, job.responseText])).toEqual([
      ["running", undefined, undefined],
      ["running", "half", undefined],
      ["succeeded", "half", "ok"],
    ]);
  });

  it("cannot be changed by who reads it", () => {
    const { jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m", workflow: { runId: "r" } });
    jobs.updateProgress(id, { message: "half" });
    const job = jobs.setResult(id, { report: { issues: ["one"] } });
    for (const part of [job, job.workflow, job.progress, job.report, job.report?.issues]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("is not changed by who gave what is in it", () => {
    const { jobs } = setUp();
    const workflow = { runId: "r" };
    const report = { summary: "s", issues: ["one"] };
    const { id } = jobs.create({ workerId: "w", message: "m", workflow });
    const job = jobs.attachReport(id, report);
    workflow.runId = "changed";
    report.summary = "changed";
    report.issues.push("changed");
    expect(job).toMatchObject({ workflow: { runId: "r" }, report: { summary: "s", issues: ["one"] } });
  });
});

describe("a wall clock that is set back", () => {
  it("yields no end before the beginning", () => {
    const { clock, jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    clock.advance(-60_000);
    expect(jobs.setResult(id)).toMatchObject({ finishedAt: START_MS, durationMs: 0 });
  });

  it("yields no start before the creation", () => {
    const { clock, jobs } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m", queued: true });
    clock.advance(-60_000);
    expect(jobs.start(id).startedAt).toBe(START_MS);
  });
});

describe("list", () => {
  it("is newest first, whatever happened since and within one millisecond", () => {
    const { clock, jobs } = setUp();
    for (let n = 0; n < 4; n++) {
      jobs.create({ workerId: "w", message: "m" });
      clock.advance(n === 1 ? 0 : 1);
    }
    expect(jobs.list().map((job) => job.id)).toEqual(["job-4", "job-3", "job-2", "job-1"]);
    jobs.setResult("job-1");
    expect(jobs.list().map((job) => job.id)).toEqual(["job-4", "job-3", "job-2", "job-1"]);
  });

  it("filters by status, worker and session, all at once", () => {
    const { jobs } = setUp();
    jobs.create({ workerId: "a", message: "m", sessionId: "s1" });
    jobs.create({ workerId: "b", message: "m", sessionId: "s1" });
    jobs.create({ workerId: "a", message: "m", sessionId: "s2" });
    jobs.create({ workerId: "a", message: "m", sessionId: "s1" });
    jobs.setResult("job-4");
    const ids = (filter: Parameters<typeof jobs.list>[0]) => jobs.list(filter).map((job) => job.id);
    expect(ids({ status: "running" })).toEqual(["job-3", "job-2", "job-1"]);
    expect(ids({ workerId: "b" })).toEqual(["job-2"]);
    expect(ids({ sessionId: "s2" })).toEqual(["job-3"]);
    expect(ids({ status: "running", workerId: "a", sessionId: "s1" })).toEqual(["job-1"]);
    expect(ids({ limit: 2 })).toHaveLength(2);
    expect(ids({ limit: 0 })).toEqual([]);
  });
});

describe("retention", () => {
  function ended(jobs: WorkerJobRegistry, count: number): string[] {
    return Array.from({ length: count }, () => {
      const { id } = jobs.create({ workerId: "w", message: "m" });
      return jobs.setResult(id).id;
    });
  }

  it("keeps 200 finished jobs for a day unless told otherwise, and every open one", () => {
    const { clock, jobs } = setUp();
    const open = jobs.create({ workerId: "w", message: "m" });
    ended(jobs, 201);
    expect(jobs.list({ status: "succeeded" })).toHaveLength(200);
    expect(jobs.get("job-2")).toBeUndefined();
    clock.advance(24 * 60 * 60 * 1000);
    expect(jobs.list({ status: "succeeded" })).toHaveLength(200);
    clock.advance(1);
    expect(jobs.get("job-100")).toBeUndefined();
    expect(jobs.list()).toEqual([open]);
  });

  it("lets the one changed longest ago go first", () => {
    const jobs = new WorkerJobRegistry({ maxFinished: 2, createId: createIds(), now: createClock().now });
    ended(jobs, 2);
    jobs.attachReport("job-1", { summary: "late" });
    ended(jobs, 1);
    expect(jobs.list().map((job) => job.id)).toEqual(["job-3", "job-1"]);
  });

  it("may keep none, which the end's own event still tells of", () => {
    const jobs = new WorkerJobRegistry({ maxFinished: 0, createId: createIds() });
    const told: string[] = [];
    jobs.onJobEvent((job, event) => told.push(`${job.id} ${event}`));
    ended(jobs, 1);
    expect(jobs.list()).toEqual([]);
    expect(told).toEqual(["job-1 created", "job-1 completed"]);
  });

  it("frees the id of a job it let go", () => {
    const clock = createClock();
    const jobs = new WorkerJobRegistry({ maxFinishedAgeMs: 10, now: clock.now });
    jobs.create({ id: "j", workerId: "w", message: "m" });
    jobs.setResult("j");
    clock.advance(11);
    expect(jobs.create({ id: "j", workerId: "w", message: "again" }).message).toBe("again");
  });
});
