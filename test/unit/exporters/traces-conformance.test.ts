import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, beforeAll } from "vitest";
import { formatTraceparent } from "../../../exporters/span-parent.ts";
import { createOtelJobTracer } from "../../../exporters/traces.ts";
import { noopJobTracer } from "../../../src/lifecycle/job-tracer.ts";
import { ORCHESTRA } from "../../../src/semconv.ts";
import { describeRecordingJobTracer, describeSilentJobTracer } from "../../conformance/job-tracer.ts";
import { recordSpans } from "../../fixtures/traced-job.ts";

// Only a host that has one makes spans active.
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});

describeRecordingJobTracer("the OpenTelemetry one", () => {
  const spans = recordSpans();
  return {
    tracer: createOtelJobTracer({ tracer: spans.tracer }),
    ended: () =>
      spans
        .all()
        .filter(({ attributes }) => ORCHESTRA.WORKER_ID in attributes)
        .map(({ attributes }) => String(attributes[ORCHESTRA.JOB_ID])),
    active: () => {
      const spanContext = trace.getActiveSpan()?.spanContext();
      return spanContext && formatTraceparent(spanContext);
    },
  };
});

describeSilentJobTracer("the no-op", () => noopJobTracer);
describeSilentJobTracer("the OpenTelemetry one without a provider", () =>
  createOtelJobTracer({ tracer: trace.getTracer("nobody registered a provider") }),
);
