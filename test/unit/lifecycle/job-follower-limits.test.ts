import { describe, expect, it } from "vitest";
import { JobFollower } from "../../../src/lifecycle/job-follower.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";
import { createEventCollector, createFollowerRig } from "../../fixtures/follower-rig.ts";
import { throwingTracer } from "../../fixtures/recording-tracer.ts";

const job = { id: "j", workerId: "w", message: "build", status: "running", startedAt: START_MS };

describe("what the follower relies on may fail", () => {
  it("a tracer that throws costs the spans, not the events", () => {
    const { follower, collector } = createFollowerRig({ tracer: throwingTracer });
    follower.follow({ ...job, status: "queued" }, "created");
    follower.follow(job, "progress");
    follower.follow(job, "completed");
    expect(collector.told).toEqual(["created#0", "started#1", "progress#2", "completed#3"]);
    expect(collector.events.every((event) => event.traceparent === undefined)).toBe(true);
    expect(follower.stats().failed).toBe(4);
  });

  it("a publisher that throws costs its events, not the state", () => {
    const publish = () => {
      throw new Error("publish");
    };
    const { follower, tracer } = createFollowerRig({ publish });
    for (const kind of ["created", "progress", "completed", "completed"]) follower.follow(job, kind);
    expect(tracer.calls).toEqual(["open j 0", "annotate j 1", "close j 2 succeeded"]);
    expect(follower.stats()).toMatchObject({ open: 0, failed: 3, ignored: { after_end: 1 } });
  });

  it("without a tracer, a caller's trace context is still on the events", () => {
    const collector = createEventCollector();
    const follower = new JobFollower({ publish: collector.publish });
    follower.follow({ ...job, status: "queued", traceparent: EXAMPLE_TRACEPARENT }, "created");
    for (const kind of ["started", "progress", "completed"]) follower.follow(job, kind);
    expect(collector.events.map((event) => event.traceparent)).toEqual(Array(4).fill(EXAMPLE_TRACEPARENT));
  });
});

describe("bounds", () => {
  it("jobs beyond maxOpen are counted and not followed, until there is room", () => {
    const { follower, collector } = createFollowerRig({ maxOpen: 1 });
    follower.follow(job, "created");
    follower.follow({ ...job, id: "k" }, "created");
    follower.follow({ ...job, id: "k" }, "progress");
    expect(follower.stats()).toMatchObject({ open: 1, ignored: { too_many_open: 2 } });
    follower.follow(job, "completed");
    follower.follow({ ...job, id: "k" }, "failed");
    expect(collector.told).toEqual(["created#0", "completed#1", "created#0", "failed#1"]);
  });

  it("the ended jobs that are remembered are the last maxEnded", () => {
    const { follower } = createFollowerRig({ maxEnded: 2 });
    for (const id of ["a", "b", "c"]) follower.follow({ ...job, id }, "completed");
    for (const id of ["a", "b", "c"]) follower.follow({ ...job, id, report: {} }, "reported");
    expect(follower.stats().ignored).toMatchObject({ unknown_job: 1, after_end: 0 });
  });
});

describe("interrupt", () => {
  it("ends every open job as failed, once", () => {
    const { follower, collector, clock } = createFollowerRig();
    follower.follow(job, "created");
    follower.follow({ ...job, id: "k", status: "queued" }, "created");
    follower.follow({ ...job, id: "l" }, "completed");
    clock.advance(70);
    follower.interrupt("The process is ending");
    follower.interrupt("again");
    expect(collector.events.slice(4).map((event) => event.data)).toMatchObject([
      { jobId: "j", error: "The process is ending", errorType: "interrupted", durationMs: 70 },
      { jobId: "k", error: "The process is ending", errorType: "interrupted", durationMs: 70 },
    ]);
    expect(collector.events).toHaveLength(6);
    expect(follower.stats().open).toBe(0);
  });
});
