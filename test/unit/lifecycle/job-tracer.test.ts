import { describe, expect, it } from "vitest";
import { noopJobTracer } from "../../../src/lifecycle/job-tracer.ts";
import { EVENT_EXAMPLES, EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";

describe("the tracer that records nothing", () => {
  it("hands a caller's trace context on, and runs work as it is", () => {
    const created = EVENT_EXAMPLES["orchestra.job.created"];
    expect(noopJobTracer.open(created, EXAMPLE_TRACEPARENT)).toEqual({ traceparent: EXAMPLE_TRACEPARENT });
    expect(noopJobTracer.open(created)).toEqual({ traceparent: undefined });
    expect(noopJobTracer.within(created.jobId, () => "result")).toBe("result");
  });
});
