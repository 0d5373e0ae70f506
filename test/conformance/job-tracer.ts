import { describe, expect, it } from "vitest";
import type { JobTracer } from "../../src/lifecycle/job-tracer.ts";
import {
  canceled,
  completed,
  created,
  failed,
  PARENT_TRACEPARENT,
  progressed,
  started,
} from "../fixtures/traced-job.ts";

const UNTOLD: [what: string, act: (tracer: JobTracer) => void][] = [
  ["a start", (tracer) => tracer.start(started("nobody", { startedAt: 1, queuedMs: 1 }))],
  ["progress", (tracer) => tracer.annotate(progressed("nobody"))],
  ["an end", (tracer) => tracer.close(failed("nobody"))],
];

/** What everyone who implements `JobTracer` holds to, whatever it records. */
function describeAnyJobTracer(create: () => JobTracer): void {
  it("stays in the trace that was handed in", () => {
    const { traceparent } = create().open(created("a"), PARENT_TRACEPARENT);
    expect(traceparent?.slice(0, 36)).toBe(PARENT_TRACEPARENT.slice(0, 36));
  });

  it("hands out the same trace context to a job that opens twice", () => {
    const tracer = create();
    const first = tracer.open(created("a"), PARENT_TRACEPARENT).traceparent;
    expect(tracer.open(created("a"), PARENT_TRACEPARENT).traceparent).toBe(first);
  });

  it.each(["a", "nobody"])("runs a function once within job %s, and returns what it returns", (jobId) => {
    const tracer = create();
    tracer.open(created("a"));
    let calls = 0;
    expect(tracer.within(jobId, () => ++calls)).toBe(1);
    expect(calls).toBe(1);
  });

  it.each(["a", "nobody"])("lets through what a function within job %s throws", (jobId) => {
    const tracer = create();
    tracer.open(created("a"));
    const thrown = new Error("from the work");
    const work = () => {
      throw thrown;
    };
    expect(() => tracer.within(jobId, work)).toThrow(thrown);
  });

  it.each(UNTOLD)("takes a job's beginning after %s of that job", (_what, act) => {
    const tracer = create();
    act(tracer);
    expect(tracer.open(created("nobody"), PARENT_TRACEPARENT).traceparent).toContain(
      PARENT_TRACEPARENT.slice(0, 36),
    );
  });
}

/** For tracers that open no span: the caller's trace goes on without them. */
export function describeSilentJobTracer(name: string, create: () => JobTracer): void {
  describe(`${name} as a job tracer that opens no span`, () => {
    describeAnyJobTracer(create);

    it("hands out what was handed in, or nothing", () => {
      const tracer = create();
      expect(tracer.open(created("a"), PARENT_TRACEPARENT).traceparent).toBe(PARENT_TRACEPARENT);
      expect(tracer.open(created("b")).traceparent).toBeUndefined();
    });
  });
}

export interface JobTracerUnderTest {
  tracer: JobTracer;
  /** Ids of the jobs whose span has ended, in that order. */
  ended: () => string[];
  /** W3C trace context of the active span. */
  active: () => string | undefined;
}

/** For tracers that open a span for each job. */
export function describeRecordingJobTracer(name: string, create: () => JobTracerUnderTest): void {
  describe(`${name} as a job tracer that records`, () => {
    describeAnyJobTracer(() => create().tracer);

    it("hands out a span of the job's own", () => {
      const { tracer } = create();
      const handedOut = [
        tracer.open(created("a"), PARENT_TRACEPARENT).traceparent,
        tracer.open(created("b"), PARENT_TRACEPARENT).traceparent,
        PARENT_TRACEPARENT,
      ];
      expect(new Set(handedOut).size).toBe(3);
    });

    it("ends the span of a whole life once", () => {
      const { tracer, ended } = create();
      tracer.open(created("a", { status: "queued" }));
      tracer.start(started("a", { startedAt: 1, queuedMs: 1 }));
      tracer.annotate(progressed("a"));
      expect(ended()).toEqual([]);
      tracer.close(completed("a"));
      expect(ended()).toEqual(["a"]);
    });

    it("ignores what comes after the end", () => {
      const { tracer, ended } = create();
      tracer.open(created("a"));
      tracer.close(completed("a"));
      tracer.annotate(progressed("a"));
      tracer.close(canceled("a"));
      expect(ended()).toEqual(["a"]);
    });

    it.each(UNTOLD)("makes nothing of %s of a job it does not know", (_what, act) => {
      const { tracer, ended } = create();
      act(tracer);
      expect(ended()).toEqual([]);
    });

    it("makes the job's span the active one for what is run within, and for that alone", async () => {
      const { tracer, active } = create();
      const spans = ["a", "b"].map((id) => tracer.open(created(id)).traceparent);
      expect(spans).toEqual([expect.any(String), expect.any(String)]);
      const before = active();
      const seen = tracer.within("a", () => {
        const outer = active();
        return [outer, tracer.within("b", active), active()];
      });
      expect(seen).toEqual([spans[0], spans[1], spans[0]]);
      expect(active()).toBe(before);
      const later = tracer.within("b", async () => {
        await Promise.resolve();
        return active();
      });
      expect(await later).toBe(spans[1]);
    });

    it("leaves the active span as it is within a job it does not know, or that has ended", () => {
      const { tracer, active } = create();
      const span = tracer.open(created("a")).traceparent;
      tracer.open(created("b"));
      tracer.close(completed("b"));
      const seen = tracer.within("a", () => [tracer.within("nobody", active), tracer.within("b", active)]);
      expect(seen).toEqual([span, span]);
    });
  });
}
