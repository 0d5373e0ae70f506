import { describe, expect, it } from "vitest";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { createClock, START_MS } from "../../fixtures/clock.ts";
import { createEventCollector } from "../../fixtures/follower-rig.ts";
import { createIds } from "../../fixtures/ids.ts";
import { OpenOrchestraRegistry } from "../../fixtures/open-orchestra-registry.ts";
import { createRecordingTracer } from "../../fixtures/recording-tracer.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

describe("observing our registry", () => {
  function setUp() {
    const clock = createClock();
    const jobs = new WorkerJobRegistry({ now: clock.now, createId: createIds() });
    const collector = createEventCollector();
    const tracer = createRecordingTracer();
    const observer = observeJobs(jobs, { publish: collector.publish, tracer, now: clock.now });
    return { clock, jobs, collector, tracer, observer };
  }

  it("tells each job's whole life", () => {
    const { clock, jobs, collector, tracer } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m", queued: true });
    clock.advance(10);
    jobs.start(id);
    jobs.updateProgress(id, { message: "half", percent: 50, current: 1, total: 2, unit: "f", stage: "s" });
    clock.advance(90);
    jobs.setResult(id, { responseText: "ok" });
    jobs.attachReport(id, { summary: "late" });
    expect(collector.told).toEqual(["created#0", "started#1", "progress#2", "completed#3", "reported#4"]);
    expect(collector.events.map((event) => event.timestamp - START_MS)).toEqual([0, 10, 10, 100, 100]);
    expect(collector.events[2]?.data).toMatchObject({
      percent: 50,
      current: 1,
      total: 2,
      unit: "f",
      stage: "s",
    });
    expect(collector.events[3]?.data).toMatchObject({ durationMs: 90, responsePreview: "ok" });
    expect(tracer.calls).toHaveLength(4);
  });

  it("agrees with the registry on every number, whatever the clock does", () => {
    const { clock, jobs, collector } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m", queued: true });
    clock.advance(-1_000);
    jobs.start(id);
    clock.advance(-1_000);
    const { startedAt, finishedAt, durationMs } = jobs.setError(id, { error: new RangeError("x") });
    expect(collector.events.at(-1)?.data).toMatchObject({ startedAt, finishedAt, durationMs });
  });

  it("hands out an open job's trace context", () => {
    const { jobs, collector, observer } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    expect(observer.traceparent(id)).toBe(collector.events[0]?.traceparent);
  });

  it("stops: what is open is interrupted, and what comes later is not heard", () => {
    const { jobs, collector, observer } = setUp();
    const { id } = jobs.create({ workerId: "w", message: "m" });
    observer.stop();
    observer.stop();
    jobs.setResult(id);
    expect(collector.told).toEqual(["created#0", "failed#1"]);
    expect(collector.events[1]?.data).toMatchObject({ errorType: "interrupted" });
    expect(observer.stats()).toMatchObject({ open: 0, ignored: { after_end: 0 } });
  });
});

describe("observing a registry that was there before us", () => {
  function setUp() {
    const clock = createClock();
    const registry = new OpenOrchestraRegistry(clock.now);
    const collector = createEventCollector();
    return { clock, registry, collector, options: { publish: collector.publish, now: clock.now } };
  }

  it("tells the same story of it", () => {
    const { clock, registry, collector, options } = setUp();
    const observer = observeJobs(registry, options);
    const begin = () =>
      registry.create({ workerId: "coder", message: "m", sessionId: "ses", requestedBy: "user" });
    const [a, b, c] = [begin(), begin(), begin()];
    clock.advance(20);
    registry.updateProgress(a.id, { message: "half", percent: 50 });
    registry.attachReport(a.id, { summary: "s", issues: ["i"] });
    registry.setResult(a.id, { responseText: "ok" });
    registry.setError(b.id, { error: "boom" });
    registry.cancel(c.id, { reason: "enough" });
    const ends = collector.events.filter(({ type }) => /completed|failed|canceled/.test(type));
    expect(ends.map((event) => event.data)).toMatchObject([
      { jobId: a.id, responsePreview: "ok", durationMs: 20, report: { summary: "s", issues: ["i"] } },
      { jobId: b.id, error: "boom", errorType: "_OTHER", durationMs: 20 },
      { jobId: c.id, reason: "enough", durationMs: 20 },
    ]);
    for (const { data } of collector.events)
      expect(data).toMatchObject({ sessionId: "ses", workerId: "coder" });
    expect(observer.stats()).toEqual({
      open: 0,
      failed: 0,
      ignored: {
        after_end: 0,
        reused_id: 0,
        id_taken: 0,
        created_twice: 0,
        unknown_job: 0,
        unknown_kind: 0,
        too_many_open: 0,
      },
    });
  });

  it("keeps each event as it was, though the job goes on changing in place", () => {
    const { registry, collector, options } = setUp();
    observeJobs(registry, options);
    const job = registry.create({ workerId: "w", message: "before" });
    registry.updateProgress(job.id, { message: "one", percent: 1 });
    job.message = "after";
    registry.updateProgress(job.id, { message: "two", percent: 2 });
    registry.setResult(job.id, { responseText: "ok" });
    expect(collector.events.map((event) => event.data)).toMatchObject([
      { message: "before", status: "running" },
      { message: "one", percent: 1 },
      { message: "two", percent: 2 },
      { status: "succeeded" },
    ]);
  });

  it("may begin late, or in the middle of a registry that ends jobs twice", () => {
    const { registry, collector, options } = setUp();
    const job = registry.create({ workerId: "w", message: "m" });
    observeJobs(registry, options);
    registry.updateProgress(job.id, { message: "on" });
    registry.setResult(job.id, { responseText: "ok" });
    registry.setError(job.id, { error: "after all" });
    expect(collector.told).toEqual(["created#0", "progress#1", "completed#2"]);
  });

  it("lets go of it", () => {
    const { registry, options } = setUp();
    const observer = observeJobs(registry, options);
    expect(registry.listeners).toBe(1);
    observer.stop();
    expect(registry.listeners).toBe(0);
  });
});

describe("a source", () => {
  const options = { publish: () => {} };

  it.each([undefined, null, {}, { onJobEvent: "no" }])("is refused when it is %o", (source) => {
    expect(thrownBy(() => observeJobs(source as never, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path: "source",
    });
  });

  it.each<[string, unknown]>([
    ["returns nothing", undefined],
    ["returns itself", {}],
    [
      "throws",
      () => {
        throw new Error("off");
      },
    ],
  ])("that %s to let go is not listened to any more", (_how, off) => {
    const collector = createEventCollector();
    let handler: (job: object, event: string) => void = () => {};
    const source = {
      onJobEvent: (given: typeof handler) => {
        handler = given;
        return off;
      },
    };
    const observer = observeJobs(source, { publish: collector.publish });
    handler({ id: "j" }, "created");
    observer.stop();
    handler({ id: "j" }, "completed");
    handler({ id: "k" }, "created");
    expect(collector.told).toEqual(["created#0", "failed#1"]);
  });
});

describe("what is there already when observing begins", () => {
  function listing(list: () => unknown) {
    const collector = createEventCollector();
    const source = { onJobEvent: () => {}, list };
    const observer = observeJobs(source, { publish: collector.publish });
    return { collector, observer };
  }

  it("is followed from then on: what is queued or runs, parents before children", () => {
    const clock = createClock();
    const jobs = new WorkerJobRegistry({ now: clock.now, createId: createIds() });
    const input = { workerId: "w", message: "m" };
    jobs.create(input);
    jobs.create({ ...input, parentJobId: "job-1", queued: true });
    jobs.setResult(jobs.create(input).id);
    clock.advance(5);
    jobs.create({ ...input, parentJobId: "job-2" });
    const collector = createEventCollector();
    const observer = observeJobs(jobs, { publish: collector.publish, now: clock.now });
    expect(collector.told).toEqual(["created#0", "created#0", "created#0"]);
    expect(collector.events.map((event) => event.data)).toMatchObject([
      { jobId: "job-1", status: "running", startedAt: START_MS },
      { jobId: "job-2", status: "queued" },
      { jobId: "job-4", status: "running", startedAt: START_MS + 5 },
    ]);
    jobs.setResult("job-1");
    expect(collector.told.at(-1)).toBe("completed#1");
    expect(observer.stats()).toMatchObject({ open: 2, failed: 0 });
  });

  it("may be another registry's, in any order, with jobs that are none", () => {
    const unreadable = Object.defineProperty({ id: "u" }, "status", {
      get: () => {
        throw new Error("status");
      },
    });
    const { collector, observer } = listing(() => [
      { id: 2, status: "running", startedAt: 20 },
      { id: 1, status: "running", startedAt: 10 },
      { id: 3, status: "done" },
      { id: 4, status: "failed" },
      { status: "running" },
      unreadable,
      null,
      "job",
    ]);
    expect(collector.events.map((event) => event.data)).toMatchObject([{ jobId: "1" }, { jobId: "2" }]);
    expect(observer.stats()).toMatchObject({ open: 2, failed: 1, ignored: { unknown_job: 0 } });
  });

  it.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["a text", () => "jobs"],
    ["a promise that fails", () => Promise.reject(new Error("list"))],
    [
      "an error",
      () => {
        throw new Error("list");
      },
    ],
    [
      "a job that throws",
      () => [
        { id: 1 },
        new Proxy(
          {},
          {
            get: () => {
              throw new Error("proxy");
            },
          },
        ),
      ],
    ],
  ])("is unknown when the source lists %s", (_what, list) => {
    const { collector, observer } = listing(list);
    expect(collector.told).toEqual([]);
    expect(observer.stats()).toMatchObject({ open: 0, failed: 0 });
  });
});
