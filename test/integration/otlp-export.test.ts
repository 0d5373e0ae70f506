import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSpanExport, type SpanExportOptions } from "../../exporters/span-export.ts";
import { createOtelJobTracer } from "../../exporters/traces.ts";
import { type OtlpReceiver, type ReceiverMode, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { completed, created, failed, progressed, STARTED_AT } from "../fixtures/traced-job.ts";

let receiver: OtlpReceiver;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(() => receiver.close());

async function setUp(options: Partial<SpanExportOptions> = {}) {
  const warnings: string[] = [];
  const spans = await createSpanExport({
    serviceName: "orders",
    instanceId: "i-1",
    url: receiver.url,
    onWarning: (message) => void warnings.push(message),
    ...options,
  });
  const tracer = createOtelJobTracer({ tracer: spans.tracer });
  const runJob = (id: string) => {
    tracer.open(created(id));
    tracer.close(completed(id));
  };
  return { spans, tracer, runJob, warnings };
}

const nanoseconds = (timestampMs: number) => BigInt(timestampMs) * 1_000_000n;

describe.each(["http/json", "http/protobuf"] as const)("over %s", (protocol) => {
  it("a job's span arrives as it was made", async () => {
    const { spans, tracer } = await setUp({ protocol, headers: { "x-api-key": "k" } });
    const { traceparent } = tracer.open(created("a", { sessionId: "s1", attempt: 2 }));
    tracer.annotate(progressed("a", { message: "half", percent: 50.5 }));
    tracer.close(failed("a"));
    await spans.shutdown();
    const [marker, span] = receiver.spans;
    expect(traceparent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    expect(marker).toMatchObject({ name: "job.started", parentSpanId: span?.spanId, traceId: span?.traceId });
    expect(span).toMatchObject({
      name: "invoke_agent coder",
      kind: 1,
      parentSpanId: undefined,
      startTime: nanoseconds(STARTED_AT),
      endTime: nanoseconds(STARTED_AT + 1_500),
      status: { code: 2, message: "x is not a function" },
      attributes: { "orchestra.worker.id": "coder", "session.id": "s1", "orchestra.job.attempt": 2 },
      resource: { "service.name": "orders", "service.instance.id": "i-1" },
      scope: "orchestra-otel",
    });
    expect(span?.events).toMatchObject([
      { name: "orchestra.job.progress", attributes: { "orchestra.job.progress.percent": 50.5 } },
      { name: "exception", attributes: { "exception.type": "TypeError" } },
    ]);
    expect(receiver.requests[0]?.headers["x-api-key"]).toBe("k");
  });

  it("a link and a parent handed in arrive, too", async () => {
    const { spans } = await setUp({ protocol });
    const tracer = createOtelJobTracer({ tracer: spans.tracer, topology: "both" });
    tracer.open(created("a"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    tracer.close(completed("a"));
    await spans.shutdown();
    const cause = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
    expect(receiver.spans.find(({ name }) => name === "invoke_agent coder")).toMatchObject({
      traceId: cause.traceId,
      parentSpanId: cause.spanId,
      links: [cause],
    });
  });
});

describe("a running job", () => {
  it("is seen before it ends", async () => {
    const { spans, tracer } = await setUp({ batchDelayMs: 1 });
    tracer.open(created("a"));
    await receiver.until(() => receiver.spans.length > 0);
    expect(receiver.spans.map(({ name }) => name)).toEqual(["job.started"]);
    await spans.shutdown();
  });
});

describe("a burst of jobs", () => {
  it("arrives whole, and the books say so", async () => {
    const { spans, runJob } = await setUp();
    for (let i = 0; i < 3_000; i++) runJob(`job-${i}`);
    await spans.forceFlush();
    const jobs = receiver.spans.map(({ attributes }) => attributes["orchestra.worker.id"]).filter(Boolean);
    expect(jobs).toHaveLength(3_000);
    expect(receiver.spans).toHaveLength(6_000);
    expect(spans.stats()).toMatchObject({ ended: 6_000, exported: 6_000, pending: 0 });
    await spans.shutdown();
  });
});

describe.each<ReceiverMode>(["refuse", "503", "hang"])("a collector that answers with `%s`", (mode) => {
  it("costs one warning and no more than the shutdown deadline; the rest is counted", async () => {
    await receiver.behave(mode);
    const { spans, runJob, warnings } = await setUp();
    runJob("a");
    const begin = performance.now();
    await spans.shutdown();
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(spans.stats()).toMatchObject({ ended: 2, exported: 0, pending: 0, dropped: { shutdown: 2 } });
    expect(warnings).toHaveLength(1);
    expect(receiver.spans).toEqual([]);
  });
});

describe("a collector that comes and goes", () => {
  it("costs one warning per outage, none of it with the URL's secrets", async () => {
    const url = receiver.url.replace("://", "://user:pass@");
    // Too short for a retry, so that each flush is one try.
    const { spans, runJob, warnings } = await setUp({ url: `${url}?key=secret`, timeoutMs: 500 });
    for (const mode of ["refuse", "refuse", "ok", "refuse"] as const) {
      await receiver.behave(mode);
      runJob(mode);
      await spans.forceFlush();
    }
    expect(spans.stats()).toMatchObject({ ended: 8, exported: 2, pending: 0, dropped: { export_failed: 6 } });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain(`${receiver.url}: connect ECONNREFUSED`);
    expect(warnings.join()).not.toMatch(/secret|pass/);
    await spans.shutdown();
  });
});
