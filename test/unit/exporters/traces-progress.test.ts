import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createOtelJobTracer } from "../../../exporters/traces.ts";
import {
  completed,
  created,
  failed,
  milliseconds,
  progressed,
  recordSpans,
  STARTED_AT,
  started,
} from "../../fixtures/traced-job.ts";

/** A job with so many progress updates, numbered from 0 in `current`. */
function jobWith(updates: number, maxProgressEvents?: number) {
  const spans = recordSpans();
  const tracer = createOtelJobTracer({ tracer: spans.tracer, maxProgressEvents });
  tracer.open(created("a"));
  for (let i = 0; i < updates; i++)
    tracer.annotate(progressed("a", { current: i, updatedAt: STARTED_AT + i }));
  tracer.close(completed("a"));
  const { events, attributes } = spans.of("a");
  return {
    events,
    attributes,
    kept: events.map((event) => event.attributes?.["orchestra.job.progress.current"]),
  };
}

describe("a progress update", () => {
  it("is a span event with simple values, findable without its span", () => {
    const spans = recordSpans();
    const tracer = createOtelJobTracer({ tracer: spans.tracer });
    tracer.open(created("a"));
    const amounts = { percent: 40, current: 2, total: 5, unit: "file", stage: "compile" };
    tracer.annotate(progressed("a", { message: "compiling", sessionId: "s1", ...amounts }));
    tracer.close({ ...completed("a"), sessionId: "s1" });
    const [event] = spans.of("a").events;
    expect(event && milliseconds(event.time)).toBe(STARTED_AT + 1_000);
    expect(event?.name).toBe("orchestra.job.progress");
    expect(event?.attributes).toEqual({
      "orchestra.job.id": "a",
      "orchestra.worker.id": "coder",
      "orchestra.session.id": "s1",
      "orchestra.job.progress.message": "compiling",
      "orchestra.job.progress.percent": 40,
      "orchestra.job.progress.current": 2,
      "orchestra.job.progress.total": 5,
      "orchestra.job.progress.unit": "file",
      "orchestra.job.progress.stage": "compile",
    });
  });

  it("leaves no trace on a job that had none", () => {
    const { events, attributes } = jobWith(0);
    expect(events).toEqual([]);
    expect(attributes).not.toHaveProperty("orchestra.job.progress.count");
  });
});

describe("many progress updates", () => {
  it("are all kept up to the limit", () => {
    const { kept, attributes } = jobWith(100);
    expect(kept).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(attributes["orchestra.job.progress.folded"]).toBe(0);
  });

  it("are thinned evenly beyond it", () => {
    expect(jobWith(12, 4).kept).toEqual([0, 4, 8, 11]);
  });

  it("keep the first and the last, stay within the limit and say how many were folded", () => {
    const inputs = [fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 2, max: 126 })] as const;
    const property = fc.property(...inputs, (updates, limit) => {
      const { kept, attributes } = jobWith(updates, limit);
      expect(kept[0]).toBe(0);
      expect(kept.at(-1)).toBe(updates - 1);
      expect(kept.length).toBeLessThanOrEqual(limit);
      expect(kept).toEqual([...new Set(kept as number[])].sort((a, b) => a - b));
      expect(attributes["orchestra.job.progress.count"]).toBe(updates);
      expect(attributes["orchestra.job.progress.folded"]).toBe(updates - kept.length);
    });
    fc.assert(property, { numRuns: 60 });
  });

  it("leave room for the start and the exception, so that the SDK evicts nothing", () => {
    const spans = recordSpans();
    const tracer = createOtelJobTracer({ tracer: spans.tracer, maxProgressEvents: 126 });
    tracer.open(created("a", { status: "queued" }));
    tracer.start(started("a", { startedAt: STARTED_AT, queuedMs: 0 }));
    for (let i = 0; i < 126; i++) tracer.annotate(progressed("a"));
    tracer.close(failed("a"));
    expect(spans.of("a").events).toHaveLength(128);
    expect(spans.of("a").droppedEventsCount).toBe(0);
  });
});
