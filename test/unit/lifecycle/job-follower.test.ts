import { describe, expect, it } from "vitest";
import { START_MS } from "../../fixtures/clock.ts";
import { EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";
import { createFollowerRig } from "../../fixtures/follower-rig.ts";

const job = { id: "j", workerId: "w", message: "build", status: "running", startedAt: START_MS };

describe("a job followed from its beginning", () => {
  it("yields one event per callback, with revisions 0, 1, 2 …", () => {
    const { follower, collector, tracer } = createFollowerRig();
    follower.follow(job, "created");
    follower.follow({ ...job, progress: { message: "half", percent: 50 } }, "progress");
    follower.follow({ ...job, responseText: "ok" }, "completed");
    follower.follow({ ...job, report: { summary: "s" } }, "reported");
    expect(collector.told).toEqual(["created#0", "progress#1", "completed#2", "reported#3"]);
    expect(tracer.calls).toEqual(["open j 0", "annotate j 1", "close j 2 succeeded"]);
    expect(follower.stats()).toMatchObject({ open: 0, failed: 0 });
  });

  it("carries who it is about, and its span, on every event", () => {
    const { follower, collector, tracer } = createFollowerRig();
    const identity = {
      sessionId: "s",
      requestedBy: "r",
      parentJobId: "p",
      workflow: { runId: "run", stepId: "step" },
      attempt: 2,
    };
    const full = { ...job, ...identity, traceparent: EXAMPLE_TRACEPARENT };
    for (const kind of ["created", "progress", "failed", "reported"]) {
      follower.follow({ ...full, error: "x", report: {} }, kind);
    }
    expect(collector.events).toHaveLength(4);
    expect(tracer.parents).toEqual([EXAMPLE_TRACEPARENT]);
    expect(collector.events[0]?.data).toHaveProperty("parentTraceparent", EXAMPLE_TRACEPARENT);
    for (const event of collector.events) {
      expect(event.data).toMatchObject({ jobId: "j", workerId: "w", startedAt: START_MS, ...identity });
      expect(event.traceparent).toBe(`00-${"a".repeat(32)}-${"1".padStart(16, "0")}-01`);
      expect(event.traceparent).not.toBe(EXAMPLE_TRACEPARENT);
    }
  });

  it("has an open span's trace context, and none once it has ended", () => {
    const { follower, collector } = createFollowerRig();
    follower.follow(job, "created");
    expect(follower.traceparent("j")).toBe(collector.events[0]?.traceparent);
    follower.follow(job, "canceled");
    expect(follower.traceparent("j")).toBeUndefined();
    expect(follower.traceparent("nobody")).toBeUndefined();
  });

  it("lets each end say its own", () => {
    const { follower, collector, clock } = createFollowerRig();
    for (const id of ["a", "b", "c"]) follower.follow({ ...job, id }, "created");
    clock.advance(30);
    follower.follow({ ...job, id: "a", responseText: "r".repeat(300) }, "completed");
    follower.follow({ ...job, id: "b", error: new TypeError("bad") }, "failed");
    follower.follow({ ...job, id: "c", reason: "enough", finishedAt: START_MS + 9 }, "canceled");
    expect(collector.events.slice(3).map((event) => event.data)).toMatchObject([
      { status: "succeeded", responsePreview: "r".repeat(200), responseLength: 300, durationMs: 30 },
      { status: "failed", error: "bad", errorType: "TypeError", durationMs: 30 },
      { status: "canceled", reason: "enough", finishedAt: START_MS + 9, durationMs: 9 },
    ]);
  });

  it.each<[string, object, object]>([
    ["failed", { error: "text" }, { error: "text", errorType: "_OTHER" }],
    ["failed", {}, { error: "", errorType: "_OTHER" }],
    ["failed", { error: null }, { error: "", errorType: "_OTHER" }],
    ["failed", { error: "slow", errorType: "timeout" }, { error: "slow", errorType: "timeout" }],
    ["canceled", { error: "kept where errors are" }, { reason: "kept where errors are" }],
    ["canceled", {}, { reason: undefined }],
    ["completed", {}, { responsePreview: undefined, responseLength: undefined, report: undefined }],
    ["completed", { responseText: null }, { responsePreview: "", responseLength: 0 }],
    ["completed", { report: { notes: "n" } }, { report: { notes: "n" } }],
  ])("%s with %o", (kind, fields, data) => {
    const { follower, collector } = createFollowerRig();
    follower.follow(job, "created");
    follower.follow({ ...job, ...fields }, kind);
    expect(collector.events[1]?.data).toMatchObject(data);
  });
});

describe("a queued job", () => {
  const queued = { ...job, status: "queued", queuedAt: START_MS };

  it("starts when its source says so, and counts its work from there", () => {
    const { follower, collector, clock, tracer } = createFollowerRig();
    follower.follow(queued, "created");
    clock.advance(200);
    follower.follow({ ...job, startedAt: START_MS + 150 }, "started");
    clock.advance(50);
    follower.follow(job, "completed");
    expect(collector.told).toEqual(["created#0", "started#1", "completed#2"]);
    expect(collector.events.map((event) => event.data)).toMatchObject([
      { status: "queued", queuedAt: START_MS },
      { status: "running", queuedMs: 150, startedAt: START_MS + 150 },
      { durationMs: 100, startedAt: START_MS + 150 },
    ]);
    expect(tracer.calls[1]).toBe("start j 1");
  });

  it.each(["progress", "completed"])("has begun, told or not, when there is %s", (kind) => {
    const { follower, collector } = createFollowerRig();
    follower.follow(queued, "created");
    follower.follow(queued, kind);
    expect(collector.told).toEqual(["created#0", "started#1", `${kind}#2`]);
  });

  it.each(["failed", "canceled"])("may have %s without ever beginning", (kind) => {
    const { follower, collector } = createFollowerRig();
    follower.follow(queued, "created");
    follower.follow(queued, kind);
    expect(collector.told).toEqual(["created#0", `${kind}#1`]);
  });

  it("waits no less than nothing, and starts once", () => {
    const { follower, collector, clock } = createFollowerRig();
    follower.follow({ ...queued, queuedAt: undefined }, "created");
    clock.advance(-500);
    follower.follow({ ...queued, startedAt: undefined }, "started");
    follower.follow({ ...job, startedAt: START_MS + 9_999 }, "started");
    expect(collector.told).toEqual(["created#0", "started#1"]);
    expect(collector.events[1]?.data).toMatchObject({ queuedMs: 0, startedAt: START_MS });
  });
});

describe("a source that tells badly", () => {
  it("may be met in mid-life: the job is created on the spot", () => {
    const { follower, collector, tracer } = createFollowerRig();
    follower.follow({ ...job, status: "succeeded", responseText: "ok" }, "completed");
    expect(collector.told).toEqual(["created#0", "completed#1"]);
    expect(collector.events[0]?.data).toMatchObject({ status: "running", message: "build" });
    expect(tracer.calls).toEqual(["open j 0", "close j 1 succeeded"]);
  });

  it("may be met as the work begins: then there is no wait to tell of", () => {
    const { follower, collector } = createFollowerRig();
    follower.follow(job, "started");
    expect(collector.told).toEqual(["created#0"]);
  });

  it("may repeat itself: nothing more is told", () => {
    const { follower, collector } = createFollowerRig();
    for (const kind of ["created", "created", "failed", "failed", "canceled", "progress", "created"]) {
      follower.follow(job, kind);
    }
    expect(collector.told).toEqual(["created#0", "failed#1"]);
    expect(follower.stats().ignored).toMatchObject({ created_twice: 1, after_end: 3, reused_id: 1 });
  });

  it("may say what nobody knows", () => {
    const { follower, collector } = createFollowerRig();
    for (const kind of ["exploded", "toString", "__proto__", "", 7, undefined, null, Symbol("created")]) {
      follower.follow(job, kind);
    }
    expect(follower.stats().ignored.unknown_kind).toBe(8);
    for (const nobody of [null, undefined, {}, { id: "" }, { id: null }, { id: {} }, "j"]) {
      follower.follow(nobody as never, "created");
    }
    expect(follower.stats()).toMatchObject({ ignored: { unknown_job: 7 }, failed: 0 });
    expect(collector.events).toEqual([]);
  });

  it("may report on a job that is open, unknown, or without a report", () => {
    const { follower, collector } = createFollowerRig();
    follower.follow({ ...job, report: {} }, "reported");
    expect(follower.stats().ignored.unknown_job).toBe(1);
    follower.follow(job, "created");
    follower.follow({ ...job, report: {} }, "reported");
    follower.follow(job, "completed");
    follower.follow(job, "reported");
    expect(collector.told).toEqual(["created#0", "completed#1"]);
  });

  it("may restamp the start: the first one counts", () => {
    const { follower, collector, clock } = createFollowerRig();
    follower.follow(job, "created");
    clock.advance(5_000);
    follower.follow({ ...job, startedAt: START_MS + 4_990 }, "progress");
    follower.follow({ ...job, startedAt: START_MS + 4_990 }, "completed");
    expect(collector.events[2]?.data).toMatchObject({ startedAt: START_MS, durationMs: 5_000 });
  });

  it("may end before it began: the duration is never negative", () => {
    const { follower, collector } = createFollowerRig();
    follower.follow(job, "created");
    follower.follow({ ...job, finishedAt: START_MS - 60_000 }, "completed");
    expect(collector.events[1]?.data).toMatchObject({ finishedAt: START_MS, durationMs: 0 });
  });
});

describe("fields of the wrong type", () => {
  it("are left out, and what must be there is made up for", () => {
    const { follower, collector } = createFollowerRig();
    const odd = {
      id: 12n,
      workerId: {},
      sessionId: 7,
      requestedBy: "",
      workflow: { runId: Symbol("r") },
      attempt: 0,
      message: { toString: () => "odd" },
      startedAt: new Date(START_MS + 3),
      queuedAt: "yesterday",
      traceparent: "garbage",
      updatedAt: Number.NaN,
    };
    follower.follow(odd, "created");
    const [created] = collector.events;
    expect(created).toMatchObject({ timestamp: START_MS });
    expect(created?.data).toEqual({
      jobId: "12",
      workerId: "worker:unknown",
      sessionId: "7",
      requestedBy: undefined,
      parentJobId: undefined,
      workflow: undefined,
      attempt: undefined,
      startedAt: START_MS + 3,
      status: "running",
      revision: 0,
      message: "odd",
      messageLength: 3,
      queuedAt: undefined,
    });
  });

  it("in a progress are left out too", () => {
    const { follower, collector } = createFollowerRig();
    const progress = {
      message: Object.create(null),
      percent: Number.NaN,
      current: -1,
      total: Number.POSITIVE_INFINITY,
      unit: {},
      stage: "",
      updatedAt: new Date(Number.NaN),
    };
    for (const value of [progress, { percent: "50" }, { percent: 101 }, null, "half", 7]) {
      follower.follow({ ...job, progress: value }, "progress");
    }
    for (const { data } of collector.events.slice(1)) {
      expect(data).toMatchObject({ message: "", percent: undefined, updatedAt: START_MS });
    }
    expect(follower.stats().failed).toBe(0);
  });

  it("and names too long for the wire are cut", () => {
    const { follower, collector } = createFollowerRig();
    const long = "n".repeat(5_000);
    follower.follow({ ...job, id: long, workerId: long, error: long, errorType: long }, "failed");
    expect(collector.told).toEqual(["created#0", "failed#1"]);
  });

  it("are no reason to miss what happened, even when they cannot be read at all", () => {
    const { follower, collector } = createFollowerRig();
    const unreadable = new Proxy(
      { id: "j" },
      {
        get: (target, key) => {
          if (key === "id") return target.id;
          throw new Error("getter");
        },
      },
    );
    follower.follow(job, "created");
    follower.follow(unreadable, "progress");
    follower.follow(unreadable, "failed");
    expect(collector.told).toEqual(["created#0", "progress#1", "failed#2"]);
    expect(collector.events[2]?.data).toMatchObject({ workerId: "w", error: "", errorType: "_OTHER" });
    expect(follower.stats()).toMatchObject({ open: 0, failed: 2 });
  });

  it("nor is an id that cannot be read a reason to throw", () => {
    const { follower } = createFollowerRig();
    const unreadable = Object.defineProperty({ id: "" }, "id", {
      get: () => {
        throw new Error("id");
      },
    });
    follower.follow(unreadable, "created");
    expect(follower.stats().failed).toBe(1);
  });
});
