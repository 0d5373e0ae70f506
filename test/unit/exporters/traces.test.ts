import {
  type Logger,
  type LogRecord,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { createOtelJobTracer, type OtelJobTracerOptions } from "../../../exporters/traces.ts";
import type { JobEnded } from "../../../src/lifecycle/job-tracer.ts";
import {
  canceled,
  completed,
  created,
  failed,
  milliseconds,
  progressed,
  recordSpans,
  STARTED_AT,
  started,
} from "../../fixtures/traced-job.ts";

function setUp(options: Partial<OtelJobTracerOptions> = {}) {
  const spans = recordSpans();
  return { spans, tracer: createOtelJobTracer({ tracer: spans.tracer, ...options }) };
}

function endedSpan(end: JobEnded, options: Partial<OtelJobTracerOptions> = {}) {
  const { spans, tracer } = setUp(options);
  tracer.open(created("a", { sessionId: "s1" }));
  tracer.close(end);
  return spans.of("a");
}

function recordLogs(): { logger: Logger; records: LogRecord[] } {
  const records: LogRecord[] = [];
  return { records, logger: { emit: (record) => void records.push(record), enabled: () => true } };
}

describe("a job's end on its span", () => {
  it.each([
    { row: "completed", end: completed("a"), code: SpanStatusCode.UNSET, result: "success", exceptions: 0 },
    {
      row: "failed",
      end: failed("a"),
      code: SpanStatusCode.ERROR,
      message: "x is not a function",
      errorType: "TypeError",
      result: "failure",
      exceptions: 1,
    },
    {
      row: "failed without a class",
      end: failed("a", "_OTHER", "exit code 3"),
      code: SpanStatusCode.ERROR,
      message: "exit code 3",
      errorType: "_OTHER",
      result: "failure",
      exceptions: 1,
    },
    {
      row: "timed out",
      end: failed("a", "timeout", "Time budget of 5 ms exceeded"),
      code: SpanStatusCode.ERROR,
      message: "Time budget of 5 ms exceeded",
      errorType: "timeout",
      result: "timeout",
      exceptions: 1,
    },
    {
      row: "canceled",
      end: canceled("a"),
      code: SpanStatusCode.UNSET,
      result: "cancellation",
      exceptions: 0,
    },
    {
      row: "interrupted",
      end: failed("a", "interrupted", "The process died"),
      code: SpanStatusCode.ERROR,
      message: "The process died",
      errorType: "interrupted",
      result: "error",
      exceptions: 0,
    },
  ])(
    "$row: status, error.type, result and exception",
    ({ end, code, message, errorType, result, exceptions }) => {
      const span = endedSpan(end);
      expect(span.status).toEqual({ code, ...(message !== undefined && { message }) });
      expect(span.attributes["error.type"]).toBe(errorType);
      expect(span.attributes["orchestra.job.result"]).toBe(result);
      expect(span.events.filter(({ name }) => name === "exception")).toHaveLength(exceptions);
    },
  );

  it("carries the response's preview and whole length", () => {
    const { attributes } = endedSpan(completed("a", { responsePreview: "Done: th", responseLength: 4_000 }));
    expect(attributes).toMatchObject({
      "orchestra.job.response": "Done: th",
      "orchestra.job.response_length": 4_000,
    });
  });

  it("carries the reason of a cancellation", () => {
    const { attributes } = endedSpan(canceled("a", "superseded"));
    expect(attributes["orchestra.job.cancel_reason"]).toBe("superseded");
  });
});

describe("a job's span", () => {
  it("begins and ends when the job did, to the millisecond", () => {
    const span = endedSpan(completed("a"));
    expect(milliseconds(span.startTime)).toBe(STARTED_AT);
    expect(milliseconds(span.endTime)).toBe(STARTED_AT + 1_500);
  });

  it("takes a job of the year 1970 at its word", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { startedAt: 5 }));
    tracer.close({ ...completed("a"), startedAt: 5, finishedAt: 7, durationMs: 2 });
    expect([spans.of("a").startTime, spans.of("a").endTime].map(milliseconds)).toEqual([5, 7]);
  });

  it("begins when a queued job was queued, and tells of its start", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { status: "queued", queuedAt: STARTED_AT - 400 }));
    tracer.start(started("a", { startedAt: STARTED_AT, queuedMs: 400 }));
    tracer.close(completed("a"));
    const span = spans.of("a");
    expect(milliseconds(span.startTime)).toBe(STARTED_AT - 400);
    expect(span.attributes["orchestra.job.queue.duration"]).toBe(0.4);
    expect(span.events.map(({ name, time }) => [name, milliseconds(time)])).toEqual([
      ["orchestra.job.started", STARTED_AT],
    ]);
  });

  it("does not begin after its work when the clock was set back", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { queuedAt: STARTED_AT + 60_000 }));
    tracer.close(completed("a"));
    expect(milliseconds(spans.of("a").startTime)).toBe(STARTED_AT);
  });

  it("carries the job's identity under our names and the standard ones", () => {
    const { spans, tracer } = setUp();
    const workflow = { runId: "r1", stepId: "build" };
    const identity = { sessionId: "s1", requestedBy: "alice", parentJobId: "p1", workflow, attempt: 2 };
    tracer.open(created("a", identity));
    tracer.close(completed("a"));
    expect(spans.of("a").attributes).toEqual({
      "orchestra.job.id": "a",
      "orchestra.worker.id": "coder",
      "orchestra.session.id": "s1",
      "orchestra.job.requested_by": "alice",
      "orchestra.job.parent_id": "p1",
      "orchestra.job.attempt": 2,
      "orchestra.workflow.run_id": "r1",
      "orchestra.workflow.step_id": "build",
      "orchestra.job.message": "Fix the bug",
      "orchestra.job.message_length": 11,
      "orchestra.job.result": "success",
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "coder",
      "gen_ai.conversation.id": "s1",
      "session.id": "s1",
    });
  });

  it.each([
    { worker: "coder", queuedAt: undefined, name: "invoke_agent coder", kind: SpanKind.INTERNAL },
    {
      worker: "workflow:release",
      queuedAt: undefined,
      name: "invoke_workflow release",
      kind: SpanKind.INTERNAL,
    },
    { worker: "emails", queuedAt: STARTED_AT, name: "process emails", kind: SpanKind.CONSUMER },
    {
      worker: "workflow:release",
      queuedAt: STARTED_AT,
      name: "invoke_workflow release",
      kind: SpanKind.CONSUMER,
    },
  ])("of $worker, queued at $queuedAt, is named `$name`", ({ worker, queuedAt, name, kind }) => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { workerId: worker, queuedAt }));
    tracer.close(completed("a"));
    expect(spans.of("a")).toMatchObject({ name, kind });
  });

  it("names a workflow and its operation in the GenAI attributes", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { workerId: "workflow:release" }));
    tracer.close(completed("a"));
    expect(spans.of("a").attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_workflow",
      "gen_ai.workflow.name": "release",
    });
  });

  it("can be named by the host", () => {
    const span = endedSpan(completed("a"), { spanName: (job) => `run ${job.workerId}` });
    expect(span.name).toBe("run coder");
  });

  it("keeps its default name when the host's function throws", () => {
    const spanName = () => {
      throw new Error("no name");
    };
    const { spans, tracer } = setUp({ spanName });
    tracer.open(created("a"));
    tracer.close(completed("a"));
    expect(spans.of("a").name).toBe("invoke_agent coder");
    expect(tracer.stats().failed).toBe(1);
  });

  it("hands out its own trace context", () => {
    const { spans, tracer } = setUp();
    const { traceparent } = tracer.open(created("a"));
    tracer.close(completed("a"));
    const { traceId, spanId } = spans.of("a").spanContext();
    expect(traceparent).toBe(`00-${traceId}-${spanId}-01`);
  });
});

describe("job.started", () => {
  it("shows an open job as a zero-length child of its span", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a"));
    const marker = spans.started("a");
    tracer.close(completed("a"));
    expect(milliseconds(marker.startTime)).toBe(STARTED_AT);
    expect(marker.endTime).toEqual(marker.startTime);
    expect(marker.parentSpanContext).toEqual(spans.of("a").spanContext());
  });

  it("has the full identity but the keys that count jobs", () => {
    const { spans, tracer } = setUp();
    tracer.open(created("a", { sessionId: "s1", status: "queued" }));
    expect(spans.started("a").attributes).toEqual({
      "orchestra.job.id": "a",
      "orchestra.session.id": "s1",
      "orchestra.job.status": "queued",
      "gen_ai.agent.name": "coder",
      "gen_ai.conversation.id": "s1",
      "session.id": "s1",
    });
  });

  it("leaves each job one span with a worker id", () => {
    const { spans, tracer } = setUp();
    for (const id of ["a", "b", "c"]) tracer.open(created(id));
    for (const id of ["a", "b", "c"]) tracer.close(completed(id));
    const withWorker = spans.all().filter(({ attributes }) => "orchestra.worker.id" in attributes);
    expect(withWorker.map(({ attributes }) => attributes["orchestra.job.id"])).toEqual(["a", "b", "c"]);
  });

  it("can be switched off", () => {
    const { spans, tracer } = setUp({ startedSpans: false });
    tracer.open(created("a"));
    expect(spans.all()).toEqual([]);
  });
});

describe("an exception", () => {
  const exception = {
    "orchestra.job.id": "a",
    "orchestra.worker.id": "coder",
    "orchestra.session.id": "s1",
    "exception.type": "TypeError",
    "exception.message": "x is not a function",
  };

  it("is a span event at the job's end", () => {
    const [event] = endedSpan(failed("a")).events;
    expect(event).toMatchObject({ name: "exception", attributes: exception });
    expect(event && milliseconds(event.time)).toBe(STARTED_AT + 1_500);
  });

  it("has no type when its class is not known", () => {
    const [event] = endedSpan(failed("a", "_OTHER", "exit code 3")).events;
    expect(event?.attributes).not.toHaveProperty("exception.type");
  });

  it.each([
    { signal: "span", events: 1, records: 0 },
    { signal: "logs", events: 0, records: 1 },
    { signal: "both", events: 1, records: 1 },
  ] as const)("goes to $signal", ({ signal, events, records }) => {
    const log = recordLogs();
    const span = endedSpan(failed("a"), { exceptionSignal: signal, logger: log.logger });
    expect(span.events).toHaveLength(events);
    expect(log.records).toHaveLength(records);
  });

  it("is a log record that belongs to the span", () => {
    const { logger, records } = recordLogs();
    const span = endedSpan(failed("a"), { exceptionSignal: "logs", logger });
    const [record] = records;
    expect(record).toMatchObject({
      eventName: "exception",
      severityNumber: SeverityNumber.ERROR,
      body: "x is not a function",
      attributes: exception,
    });
    expect(record?.context && trace.getSpanContext(record.context)).toEqual(span.spanContext());
  });

  it("leaves the span whole when the host's logger throws", () => {
    const emit = () => {
      throw new Error("disk full");
    };
    const span = endedSpan(failed("a"), { exceptionSignal: "logs", logger: { emit, enabled: () => true } });
    expect(span.ended).toBe(true);
  });
});

describe("the tracer's limits", () => {
  it("keeps count of what it did", () => {
    const { tracer } = setUp({ maxProgressEvents: 2 });
    for (const id of ["a", "b"]) tracer.open(created(id));
    for (let i = 0; i < 5; i++) tracer.annotate(progressed("a"));
    tracer.close(completed("a"));
    expect(tracer.stats()).toEqual({ open: 1, ended: 1, refused: 0, progress: 5, folded: 3, failed: 0 });
  });

  it("gives no span to jobs beyond `maxOpen`, and counts them", () => {
    const { spans, tracer } = setUp({ maxOpen: 1 });
    tracer.open(created("a"));
    const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    expect(tracer.open(created("b"), parent)).toEqual({ traceparent: parent });
    tracer.close(completed("b"));
    expect(spans.all().map(({ attributes }) => attributes["orchestra.job.id"])).toEqual(["a"]);
    expect(tracer.stats()).toMatchObject({ open: 1, ended: 0, refused: 1 });
  });

  it("survives an SDK that throws", () => {
    const startSpan = () => {
      throw new Error("SDK fault");
    };
    const tracer = createOtelJobTracer({ tracer: { startSpan, startActiveSpan: startSpan } });
    expect(tracer.open(created("a"))).toEqual({ traceparent: undefined });
    expect(tracer.stats()).toMatchObject({ open: 0, failed: 1 });
  });

  it.each([
    { maxProgressEvents: 1 },
    { maxProgressEvents: 127 },
    { maxProgressEvents: 2.5 },
    { maxOpen: 0 },
    { maxEnded: -1 },
  ])("refuses %o", (options) => {
    const path = Object.keys(options)[0];
    expect(() => setUp(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", path }));
  });
});
