import { describe, expect, it } from "vitest";
import { noopJobTracer } from "../../../src/lifecycle/job-tracer.ts";
import { ResumedSpans } from "../../../src/lifecycle/resumed-spans.ts";
import { describeSilentJobTracer } from "../../conformance/job-tracer.ts";
import { createRecordingTracer } from "../../fixtures/recording-tracer.ts";
import { completed, created, PARENT_TRACEPARENT, progressed, started } from "../../fixtures/traced-job.ts";

describeSilentJobTracer("the tracer of resumed jobs over one that records nothing", () => {
  return new ResumedSpans(noopJobTracer);
});

function createSpans() {
  const [common, own] = [createRecordingTracer(), createRecordingTracer()];
  const spans = new ResumedSpans(common);
  spans.add("resumed", own);
  return { common, own, spans };
}

describe("a job that goes on here", () => {
  it("is told to the tracer that has its span open, until it ends", () => {
    const { common, own, spans } = createSpans();
    spans.start(started("resumed", { startedAt: 1, queuedMs: 1 }));
    spans.annotate(progressed("resumed"));
    spans.close(completed("resumed"));
    expect(own.calls).toEqual(["start resumed 1", "annotate resumed 1", "close resumed 2 succeeded"]);
    expect(common.calls).toEqual([]);
    spans.close(completed("resumed"));
    expect(common.calls).toEqual(["close resumed 2 succeeded"]);
  });

  it("has work run within its span", () => {
    const { own, common, spans } = createSpans();
    expect(spans.within("resumed", () => "result")).toBe("result");
    expect([own.entered, common.entered]).toEqual([["resumed"], []]);
  });
});

describe("any other job", () => {
  it("is told to the common tracer", () => {
    const { common, own, spans } = createSpans();
    expect(spans.open(created("other"), PARENT_TRACEPARENT)).toMatchObject({ parent: PARENT_TRACEPARENT });
    spans.within("other", () => {});
    spans.close(completed("other"));
    expect(common.calls).toEqual(["open other 0", "close other 2 succeeded"]);
    expect([common.entered, own.calls]).toEqual([["other"], []]);
  });
});
