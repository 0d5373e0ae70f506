import { describe, expect, it } from "vitest";
import { traceparent as traceparentSchema } from "../../src/event/event-fields.ts";
import type { JobTracer } from "../../src/lifecycle/job-tracer.ts";
import { canceled, completed, created, failed, progressed, started } from "../fixtures/traced-job.ts";

/** What everyone who implements `JobTracer` holds to, whatever it records. */
export function describeJobTracer(name: string, create: () => JobTracer): void {
  describe(`${name} as a job tracer`, () => {
    it("hands out a W3C trace context, or none", () => {
      const { traceparent } = create().open(created("a"));
      expect(traceparentSchema.optional().safeParse(traceparent).success).toBe(true);
    });

    it("stays in the trace that was handed in", () => {
      const { traceparent } = create().open(
        created("a"),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      );
      expect(traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
    });

    it("takes a whole life without a throw", () => {
      const tracer = create();
      tracer.open(created("a", { status: "queued" }));
      tracer.start(started("a", { startedAt: 1, queuedMs: 1 }));
      tracer.annotate(progressed("a"));
      expect(() => tracer.close(completed("a"))).not.toThrow();
    });

    it.each([
      ["a start", (tracer: JobTracer) => tracer.start(started("nobody", { startedAt: 1, queuedMs: 1 }))],
      ["progress", (tracer: JobTracer) => tracer.annotate(progressed("nobody"))],
      ["an end", (tracer: JobTracer) => tracer.close(failed("nobody"))],
    ])("ignores %s of a job it does not know", (_what, act) => {
      expect(() => act(create())).not.toThrow();
    });

    it("ignores what comes after the end", () => {
      const tracer = create();
      tracer.open(created("a"));
      tracer.close(completed("a"));
      expect(() => {
        tracer.annotate(progressed("a"));
        tracer.close(canceled("a"));
      }).not.toThrow();
    });

    it("hands out the same trace context to a job that opens twice", () => {
      const tracer = create();
      expect(tracer.open(created("a"))).toEqual(tracer.open(created("a")));
    });

    it("runs a function within a job and returns what it returns", () => {
      const tracer = create();
      tracer.open(created("a"));
      expect(tracer.within("a", () => 42)).toBe(42);
    });

    it("runs a function within a job it does not know", () => {
      expect(create().within("nobody", () => 42)).toBe(42);
    });

    it("lets through what the function throws", () => {
      const tracer = create();
      tracer.open(created("a"));
      const thrown = new Error("from the work");
      const work = () => {
        throw thrown;
      };
      expect(() => tracer.within("a", work)).toThrow(thrown);
    });
  });
}
