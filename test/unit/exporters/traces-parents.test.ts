import { context, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createOtelJobTracer,
  type OtelJobTracer,
  type OtelJobTracerOptions,
} from "../../../exporters/traces.ts";
import type { JobCreated } from "../../../src/lifecycle/job-tracer.ts";
import {
  completed,
  created,
  PARENT_SPAN_CONTEXT,
  PARENT_TRACEPARENT,
  recordSpans,
} from "../../fixtures/traced-job.ts";

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});

const ACTIVE: SpanContext = { traceId: "a".repeat(32), spanId: "a".repeat(16), traceFlags: 1 };
const SESSION: SpanContext = { traceId: "c".repeat(32), spanId: "c".repeat(16), traceFlags: 1 };

function setUp(options: Partial<OtelJobTracerOptions> = {}) {
  const spans = recordSpans();
  return { spans, tracer: createOtelJobTracer({ tracer: spans.tracer, ...options }) };
}

function whileActive<T>(spanContext: SpanContext, fn: () => T): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), fn);
}

function runJob(tracer: OtelJobTracer, job: JobCreated, traceparent?: string): void {
  tracer.open(job, traceparent);
  tracer.close(completed(job.jobId));
}

const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;

describe("the parent of a job's span", () => {
  it("is the trace context that was handed in, before all others", () => {
    const { spans, tracer } = setUp({ sessionContext: () => SESSION });
    runJob(tracer, created("p"));
    const child = created("a", { parentJobId: "p", sessionId: "s1" });
    whileActive(ACTIVE, () => runJob(tracer, child, PARENT_TRACEPARENT));
    expect(spans.of("a").parentSpanContext).toEqual({ ...PARENT_SPAN_CONTEXT, isRemote: true });
  });

  it("is the active span, when nothing was handed in", () => {
    const { spans, tracer } = setUp({ sessionContext: () => SESSION });
    runJob(tracer, created("p"));
    const child = created("a", { parentJobId: "p", sessionId: "s1" });
    whileActive(ACTIVE, () => runJob(tracer, child));
    expect(parentOf(spans.of("a"))).toBe(ACTIVE.spanId);
  });

  it("is the parent job's span, when no span is active", () => {
    const { spans, tracer } = setUp({ sessionContext: () => SESSION });
    tracer.open(created("p"));
    runJob(tracer, created("a", { parentJobId: "p", sessionId: "s1" }));
    tracer.close(completed("p"));
    expect(spans.of("a").parentSpanContext).toEqual(spans.of("p").spanContext());
  });

  it("is the parent job's span also shortly after that job ended", () => {
    const { spans, tracer } = setUp();
    runJob(tracer, created("p"));
    runJob(tracer, created("a", { parentJobId: "p" }));
    expect(spans.of("a").parentSpanContext).toEqual(spans.of("p").spanContext());
  });

  it("is forgotten when too many others have ended since", () => {
    const { spans, tracer } = setUp({ maxEnded: 2 });
    for (const id of ["p", "q", "r"]) runJob(tracer, created(id));
    runJob(tracer, created("a", { parentJobId: "p" }));
    runJob(tracer, created("b", { parentJobId: "r" }));
    expect(parentOf(spans.of("a"))).toBeUndefined();
    expect(parentOf(spans.of("b"))).toBe(spans.of("r").spanContext().spanId);
  });

  it("is the session's root span, when nothing nearer is known", () => {
    const { spans, tracer } = setUp({ sessionContext: (id) => (id === "s1" ? SESSION : undefined) });
    runJob(tracer, created("a", { parentJobId: "unknown", sessionId: "s1" }));
    runJob(tracer, created("b", { sessionId: "s2" }));
    expect(parentOf(spans.of("a"))).toBe(SESSION.spanId);
    expect(parentOf(spans.of("b"))).toBeUndefined();
  });

  it("is nobody when the session's hook throws, which is counted", () => {
    const sessionContext = () => {
      throw new Error("no session");
    };
    const { spans, tracer } = setUp({ sessionContext });
    runJob(tracer, created("a", { sessionId: "s1" }));
    expect(parentOf(spans.of("a"))).toBeUndefined();
    expect(tracer.stats().failed).toBe(1);
  });

  it.each([
    "",
    "garbage",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
  ])("is not `%s`", (traceparent) => {
    const { spans, tracer } = setUp();
    runJob(tracer, created("a"), traceparent);
    expect(parentOf(spans.of("a"))).toBeUndefined();
  });
});

describe("a parent that is not sampled", () => {
  it("leaves the job unrecorded, its trace context intact", () => {
    const { spans, tracer } = setUp();
    const { traceparent } = tracer.open(created("a"), PARENT_TRACEPARENT.replace(/01$/, "00"));
    tracer.annotate({ ...created("a"), message: "half", status: "running", updatedAt: 1 });
    tracer.close(completed("a"));
    expect(traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    expect(spans.all()).toEqual([]);
  });
});

describe("the topology", () => {
  function spanIn(topology: OtelJobTracerOptions["topology"], ...handedIn: [string?]) {
    const { spans, tracer } = setUp({ topology });
    runJob(tracer, created("a"), ...handedIn);
    const span = spans.of("a");
    return {
      traceId: span.spanContext().traceId,
      parent: parentOf(span),
      links: span.links.map((l) => l.context),
    };
  }
  const linked = [{ ...PARENT_SPAN_CONTEXT, isRemote: true }];

  it("`parent` makes the span a child", () => {
    expect(spanIn("parent", PARENT_TRACEPARENT)).toMatchObject({
      parent: PARENT_SPAN_CONTEXT.spanId,
      links: [],
    });
  });

  it("`link` makes the span a root that links to its cause", () => {
    const span = spanIn("link", PARENT_TRACEPARENT);
    expect(span).toMatchObject({ parent: undefined, links: linked });
    expect(span.traceId).not.toBe(PARENT_SPAN_CONTEXT.traceId);
  });

  it("`both` does both", () => {
    expect(spanIn("both", PARENT_TRACEPARENT)).toMatchObject({
      parent: PARENT_SPAN_CONTEXT.spanId,
      links: linked,
    });
  });

  it.each(["parent", "link", "both"] as const)("`%s` leaves a job without a cause alone", (topology) => {
    expect(spanIn(topology)).toMatchObject({ parent: undefined, links: [] });
  });
});

describe("work within a job", () => {
  it("has the job's span as the active one", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a"));
    const active = tracer.within("a", () => trace.getActiveSpan()?.spanContext());
    tracer.close(completed("a"));
    expect(active).toEqual(spans.of("a").spanContext());
  });

  it("nests the spans that it opens, and the jobs", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a"));
    tracer.within("a", () => {
      spans.tracer.startSpan("http call").end();
      runJob(tracer, created("b"));
    });
    tracer.close(completed("a"));
    const { spanId } = spans.of("a").spanContext();
    const call = spans.all().find(({ name }) => name === "http call");
    expect([call, spans.of("b")].map((span) => span?.parentSpanContext?.spanId)).toEqual([spanId, spanId]);
  });

  it("runs as it is once the job has ended", () => {
    const { tracer } = setUp();
    runJob(tracer, created("a"));
    expect(tracer.within("a", () => trace.getActiveSpan())).toBeUndefined();
  });
});
