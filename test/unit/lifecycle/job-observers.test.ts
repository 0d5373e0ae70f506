import { describe, expect, it } from "vitest";
import type { JobEventKind } from "../../../src/job/job.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { JobObservers } from "../../../src/lifecycle/job-observers.ts";
import { createClock, START_MS } from "../../fixtures/clock.ts";
import { createEventCollector } from "../../fixtures/follower-rig.ts";
import { createIds } from "../../fixtures/ids.ts";
import { createRecordingTracer } from "../../fixtures/recording-tracer.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const input = { workerId: "w", message: "m" };

function setUp(options: { maxEnded?: number; onWarning?: (message: string) => void } = {}) {
  const clock = createClock();
  const collector = createEventCollector();
  const tracer = createRecordingTracer();
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const { publish } = collector;
  const observers = new JobObservers({ publish, tracer, now: clock.now, onWarning, ...options });
  /** `id type#revision` of every event. */
  const told = () =>
    collector.events.map(({ data }, index) => `${"jobId" in data && data.jobId} ${collector.told[index]}`);
  return { clock, collector, tracer, warnings, observers, told };
}

/** A source that says what it is told to say. */
function createSource() {
  const handlers = new Set<(job: object, kind: string) => void>();
  return {
    onJobEvent: (handler: (job: object, kind: string) => void) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    emit: (job: object, kind: JobEventKind) => {
      for (const handler of handlers) handler(job, kind);
    },
    get handlers() {
      return handlers.size;
    },
  };
}

describe("observing a source again", () => {
  it("while it is observed changes nothing", () => {
    const { observers } = setUp();
    const source = createSource();
    expect(observers.observe(source)).toBe(observers.observe(source));
    expect(source.handlers).toBe(1);
    expect(observers.stats()).toHaveLength(1);
  });

  it("after a stop tells no job twice", () => {
    const { observers, told, warnings } = setUp();
    const jobs = new WorkerJobRegistry({ createId: createIds() });
    observers.observe(jobs);
    jobs.create(input);
    observers.observe(jobs).stop();
    expect(observers.stats()).toEqual([]);
    observers.observe(jobs);
    jobs.updateProgress("job-1", { message: "half" });
    jobs.setResult("job-1");
    jobs.create(input);
    expect(told()).toEqual(["job-1 created#0", "job-1 failed#1", "job-2 created#0"]);
    expect(observers.stats()).toMatchObject([{ open: 1, ignored: { after_end: 2, reused_id: 0 } }]);
    expect(warnings).toEqual([]);
  });

  it("is not undone by an observer of before that is stopped once more", () => {
    const { observers, told } = setUp();
    const source = createSource();
    const stale = observers.observe(source);
    stale.stop();
    const fresh = observers.observe(source);
    stale.stop();
    expect(observers.observe(source)).toBe(fresh);
    source.emit({ id: "j" }, "created");
    expect(told()).toEqual(["j created#0"]);
  });
});

describe("two sources with the same job id", () => {
  it("are told apart: the id is whose it was first, and the other's job is ignored, counted and told of once", () => {
    const { observers, told, tracer, warnings } = setUp();
    const [a, b] = [createSource(), createSource()];
    const observer = observers.observe(a);
    const other = observers.observe(b);
    a.emit({ id: 1, workerId: "qa" }, "created");
    for (const kind of ["created", "progress", "failed", "reported"] as const) b.emit({ id: 1 }, kind);
    expect(observer.traceparent("1")).toBeTypeOf("string");
    expect(other.traceparent("1")).toBeUndefined();
    a.emit({ id: 1 }, "completed");
    b.emit({ id: 1 }, "created");
    expect(told()).toEqual(["1 created#0", "1 completed#1"]);
    expect(tracer.calls).toEqual(["open 1 0", "close 1 1 succeeded"]);
    expect(observers.stats()).toMatchObject([{ ignored: { id_taken: 0 } }, { ignored: { id_taken: 5 } }]);
    expect(warnings).toEqual([
      "Job id `1` is that of another observed source's job; observe one of the two with an `idPrefix`",
    ]);
  });

  it("do not meet when one has a prefix", () => {
    const { observers, collector, told, tracer } = setUp();
    const [a, b] = [createSource(), createSource()];
    observers.observe(a);
    const observer = observers.observe(b, { idPrefix: "b:" });
    for (const source of [a, b]) {
      source.emit({ id: 1 }, "created");
      source.emit({ id: 2, parentJobId: 1 }, "created");
    }
    expect(told()).toEqual(["1 created#0", "2 created#0", "b:1 created#0", "b:2 created#0"]);
    expect(collector.events.map(({ data }) => "parentJobId" in data && data.parentJobId)).toEqual([
      undefined,
      "1",
      undefined,
      "b:1",
    ]);
    expect(observer.traceparent("1")).toBe(collector.events[2]?.traceparent);
    expect(observer.within("1", () => "result")).toBe("result");
    expect(tracer.entered).toEqual(["b:1"]);
    observer.stop();
    expect(told().slice(4)).toEqual(["b:1 failed#1", "b:2 failed#1"]);
  });

  it("are two when one source is observed again under another prefix", () => {
    const { observers, told } = setUp();
    const source = createSource();
    observers.observe(source).stop();
    observers.observe(source, { idPrefix: "again-" });
    source.emit({ id: 1 }, "created");
    expect(told()).toEqual(["again-1 created#0"]);
  });

  it("survive a host whose own warning fails", () => {
    const onWarning = () => {
      throw new Error("warning");
    };
    const { observers, told } = setUp({ onWarning });
    const [a, b] = [createSource(), createSource()];
    for (const source of [a, b]) observers.observe(source);
    for (const source of [a, b]) source.emit({ id: 1 }, "created");
    expect(told()).toEqual(["1 created#0"]);
  });
});

describe("a job id that is used again after its job's end", () => {
  it("makes no second job; it is counted and told of once", () => {
    const { observers, told, warnings } = setUp();
    const jobs = new WorkerJobRegistry({ maxFinished: 0 });
    observers.observe(jobs);
    for (let night = 0; night < 3; night++) {
      jobs.create({ ...input, id: "nightly" });
      jobs.setResult("nightly");
    }
    expect(told()).toEqual(["nightly created#0", "nightly completed#1"]);
    expect(observers.stats()).toMatchObject([{ ignored: { reused_id: 2, after_end: 2 } }]);
    expect(warnings).toEqual([
      "Job id `nightly` was used again after its job had ended; give each job an id of its own",
    ]);
  });
});

describe("when events happened", () => {
  const job = { id: "j", startedAt: START_MS, updatedAt: START_MS };

  it("is what the source says, as long as its time moves on", () => {
    const { clock, observers, collector } = setUp();
    const source = createSource();
    observers.observe(source);
    clock.advance(1_000);
    source.emit(job, "created");
    source.emit({ ...job, updatedAt: START_MS + 400 }, "progress");
    expect(collector.events.map((event) => event.timestamp - START_MS)).toEqual([0, 400]);
  });

  it("is when we hear of it, from a source that never touches its times", () => {
    const { clock, observers, collector } = setUp();
    const source = createSource();
    observers.observe(source);
    source.emit(job, "created");
    clock.advance(30);
    source.emit(job, "progress");
    clock.advance(20);
    source.emit(job, "completed");
    expect(collector.events.map((event) => event.timestamp - START_MS)).toEqual([0, 30, 50]);
    expect(collector.events.at(-1)?.data).toMatchObject({ finishedAt: START_MS + 50, durationMs: 50 });
  });
});

describe("the spans of a source's jobs", () => {
  it("are there while it is observed and the job is open", () => {
    const { observers, collector, tracer } = setUp();
    const source = createSource();
    const spans = observers.spansOf(source);
    expect([spans.traceparent("j"), spans.within("j", () => 1)]).toEqual([undefined, 1]);
    observers.observe(source);
    source.emit({ id: "j" }, "created");
    expect(spans.traceparent("j")).toBe(collector.events[0]?.traceparent);
    expect(spans.within("j", () => 2)).toBe(2);
    source.emit({ id: "j" }, "completed");
    expect([spans.traceparent("j"), spans.within("j", () => 3)]).toEqual([undefined, 3]);
    expect(spans.within("", () => 4)).toBe(4);
    expect(tracer.entered).toEqual(["j"]);
  });
});

describe("closing", () => {
  it("ends every open job, keeps the counts, and takes no more sources", () => {
    const { observers, told } = setUp();
    const [a, b] = [createSource(), createSource()];
    for (const source of [a, b]) observers.observe(source);
    a.emit({ id: "a" }, "created");
    b.emit({ id: "b" }, "created");
    observers.close();
    observers.close();
    expect(told()).toEqual(["a created#0", "b created#0", "a failed#1", "b failed#1"]);
    expect(observers.stats()).toMatchObject([{ open: 0 }, { open: 0 }]);
    expect([a.handlers, b.handlers]).toEqual([0, 0]);
    expect(thrownBy(() => observers.observe(a)).code).toBe("CLOSED");
  });
});

describe("what cannot be observed", () => {
  it.each<[string, unknown, object]>([
    ["source", {}, {}],
    ["idPrefix", createSource(), { idPrefix: 7 }],
  ])("names the %s", (path, source, options) => {
    const { observers } = setUp();
    expect(thrownBy(() => observers.observe(source as never, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path,
    });
  });
});
