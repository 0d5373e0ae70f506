import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, describe, expect, it } from "vitest";
import type { EventLog } from "../../src/event/event-log.ts";
import type { EventSink } from "../../src/event/event-sink.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { createOrchestratorEvent, publishOrchestratorEvent } from "../../src/index.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { startOtlpReceiver } from "../fixtures/otlp-receiver.ts";

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const { close } of opened.splice(0).reverse()) await close();
});

function closing<T>(resource: T, close: (resource: T) => Promise<void>): T {
  opened.push({ close: () => close(resource) });
  return resource;
}

/** A telemetry of its own: no environment, any free port, no collector, a fresh registry. */
async function telemetryWith(options: TelemetryOptions = {}): Promise<Telemetry> {
  const telemetry = await startTelemetry({
    env: {},
    registry: new WorkerJobRegistry(),
    traces: false,
    ...options,
    bridge: options.bridge ?? { port: 0 },
  });
  return closing(telemetry, (resource) => resource.shutdown());
}

async function receiver() {
  return closing(await startOtlpReceiver(), (resource) => resource.close());
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

describe("startTelemetry", () => {
  it("shows one job as a span, in the job table and in the log", async () => {
    const collector = await receiver();
    const telemetry = await telemetryWith({ serviceName: "shop", traces: { url: collector.url } });
    const result = await telemetry.run(
      { workerId: "coder", sessionId: "s1", message: "Fix it" },
      (_job, { progress }) => {
        progress({ message: "half", percent: 50 });
        return "fixed";
      },
    );
    await telemetry.flush();

    expect(result).toBe("fixed");
    const [job] = telemetry.registry.list();
    expect(await getJson(`${telemetry.url}/v1/jobs`)).toMatchObject({
      jobs: [{ jobId: job?.id, status: "succeeded", responsePreview: "fixed", revision: 2 }],
    });
    const span = collector.spans.find(({ name }) => name === "invoke_agent coder");
    expect(span?.attributes).toMatchObject({
      "orchestra.job.id": job?.id,
      "orchestra.worker.id": "coder",
      "orchestra.session.id": "s1",
    });
    expect(telemetry.stats()).toMatchObject({
      events: { made: 3, appended: 3, pending: 0 },
      spans: { ended: 2, exported: 2, pending: 0 },
    });
  });

  it("hands the job's trace context to its work", async () => {
    const collector = await receiver();
    const telemetry = await telemetryWith({ traces: { url: collector.url } });
    const traceparent = await telemetry.run(
      { workerId: "w", message: "m" },
      (_job, context) => context.traceparent,
    );
    await telemetry.flush();
    const span = collector.spans.find(({ name }) => name === "invoke_agent w");
    expect(traceparent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  it("makes a job that is run inside another's work its child", async () => {
    const collector = await receiver();
    const telemetry = await telemetryWith({ traces: { url: collector.url } });
    await telemetry.run({ workerId: "lead", message: "m" }, () =>
      telemetry.run({ workerId: "helper", message: "m" }, () => "done"),
    );
    await telemetry.flush();
    const [lead, helper] = ["lead", "helper"].map((worker) =>
      collector.spans.find(({ name }) => name === `invoke_agent ${worker}`),
    );
    expect(helper).toMatchObject({ traceId: lead?.traceId, parentSpanId: lead?.spanId });
  });

  it("opens its spans with the host's provider when there is one, and leaves it alone", async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    trace.setGlobalTracerProvider(provider);
    try {
      const telemetry = await telemetryWith({ traces: {} });
      await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
      await telemetry.shutdown();
      expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(["job.started", "invoke_agent w"]);
      expect(telemetry.stats().spans).toBeUndefined();
    } finally {
      trace.disable();
    }
  });

  it("never becomes the process's global provider", async () => {
    await telemetryWith({ traces: {} });
    expect(trace.getTracer("t").startSpan("s").isRecording()).toBe(false);
  });

  it("tells once of a dead collector and shuts down within two seconds", async () => {
    const collector = await receiver();
    await collector.behave("refuse");
    const warnings: string[] = [];
    const telemetry = await telemetryWith({
      traces: { url: collector.url },
      onWarning: (message) => warnings.push(message),
    });
    for (let job = 0; job < 20; job++) await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    const started = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(warnings).toHaveLength(1);
    const { ended = 0, exported = 0, pending = 0, dropped } = telemetry.stats().spans ?? {};
    const given = Object.values(dropped ?? {}).reduce((sum, count) => sum + count, 0);
    expect({ ended, exported, pending, given, inShutdown: dropped?.shutdown }).toEqual({
      ended: 40,
      exported: 0,
      pending: 0,
      given: 40,
      inShutdown: 40,
    });
  });

  it("ends open jobs as interrupted when it shuts down, for all to see", async () => {
    const seen: unknown[] = [];
    const telemetry = await telemetryWith();
    telemetry.observe(telemetry.registry);
    telemetry.onEvent(({ event }) => seen.push(event));
    telemetry.registry.create({ id: "j", workerId: "w", message: "m" });
    await telemetry.shutdown();
    expect(seen.at(-1)).toMatchObject({
      type: "orchestra.job.failed",
      data: { jobId: "j", errorType: "interrupted", revision: 1 },
    });
  });

  it("follows the same registry once, however often it is asked", async () => {
    const telemetry = await telemetryWith();
    expect(telemetry.observe(telemetry.registry)).toBe(telemetry.observe(telemetry.registry));
    telemetry.registry.create({ workerId: "w", message: "m" });
    await telemetry.flush();
    expect(telemetry.stats().events.made).toBe(1);
  });

  it("follows a registry anew after it was stopped", async () => {
    const telemetry = await telemetryWith();
    telemetry.observe(telemetry.registry).stop();
    telemetry.observe(telemetry.registry);
    telemetry.registry.create({ workerId: "w", message: "m" });
    expect(telemetry.stats().jobs).toMatchObject([{ open: 1 }]);
  });

  it("keeps full tasks inside unless content is captured", async () => {
    const message = "secret ".repeat(100);
    const closed = await telemetryWith({ redact: (text) => text.replaceAll("secret", "******") });
    const open = await telemetryWith({ captureContent: true });
    for (const telemetry of [closed, open]) {
      telemetry.observe(telemetry.registry);
      telemetry.registry.create({ id: "j", workerId: "w", message });
      await telemetry.flush();
    }
    const shown = await Promise.all([closed, open].map(({ url }) => getJson(`${url}/v1/jobs/j`)));
    expect(shown[0]).toMatchObject({
      job: { message: "****** ".repeat(100).slice(0, 200), messageLength: 700 },
    });
    expect(shown[1]).toMatchObject({ job: { message } });
  });

  it("is not kept from starting by whoever has the default port", async () => {
    const squatter = closing(createServer(), async (server) => void server.close());
    // Whether it is ours or was somebody's before does not matter: it is taken.
    await once(squatter.listen(4319, "127.0.0.1"), "listening").catch(() => {});
    const telemetry = await telemetryWith({ bridge: {} });
    expect(telemetry.url).not.toContain(":4319");
    expect((await fetch(`${telemetry.url}/healthz`)).status).toBe(200);
  });

  it("says which port it cannot have when that port was asked for, and leaves nothing open", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    closing(squatter, async (server) => void server.close());
    const { port } = squatter.address() as { port: number };
    await expect(telemetryWith({ bridge: { port } })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      path: "port",
    });
    // The seat of the shared feed was never taken.
    const next = await telemetryWith();
    publishOrchestratorEvent(createOrchestratorEvent("orchestra.error", { message: "m" }));
    await next.flush();
    expect(next.stats().events.made).toBe(1);
  });

  it("names the host that it cannot have", async () => {
    const bridge = { host: "not.a.host.invalid", port: 0, token: "0123456789abcdef" };
    await expect(telemetryWith({ bridge })).rejects.toMatchObject({ code: "INVALID_CONFIG", path: "host" });
  });

  it("refuses other hosts without a token", async () => {
    await expect(telemetryWith({ bridge: { host: "0.0.0.0", port: 0 } })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
  });

  it("lets two telemetries in one process not meet", async () => {
    const [first, second] = [await telemetryWith(), await telemetryWith()];
    publishOrchestratorEvent(createOrchestratorEvent("orchestra.error", { message: "shared" }));
    second.publish(createOrchestratorEvent("orchestra.error", { message: "private" }));
    await Promise.all([first.flush(), second.flush()]);
    expect(first.stats().events.made).toBe(1);
    expect(second.stats().events.made).toBe(1);
    expect(first.url).not.toBe(second.url);
  });

  it("can be shut down twice, and then takes nothing more", async () => {
    const telemetry = await telemetryWith();
    await Promise.all([telemetry.shutdown(), telemetry.shutdown()]);
    telemetry.publish(createOrchestratorEvent("orchestra.error", { message: "late" }));
    expect(telemetry.stats().events.dropped).toMatchObject({ closed: 1 });
  });

  it("writes one log line per event to a file", async () => {
    const folder = closing(await mkdtemp(join(tmpdir(), "orchestra-log-")), (path) =>
      rm(path, { recursive: true }),
    );
    const telemetry = await telemetryWith({ logFile: `${folder}/jobs.log` });
    await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    await telemetry.shutdown();
    const lines = (await readFile(`${folder}/jobs.log`, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).event)).toEqual([
      "orchestra.job.created",
      "orchestra.job.completed",
    ]);
  });

  it("waits for spans no longer than two seconds when it flushes", async () => {
    const collector = await receiver();
    await collector.behave("hang");
    const telemetry = await telemetryWith({ traces: { url: collector.url } });
    await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    const started = performance.now();
    await telemetry.flush();
    expect(performance.now() - started).toBeLessThan(2_500);
    expect(telemetry.stats().spans).toMatchObject({ ended: 2, pending: 2 });
  });

  it("closes the bridge and the log although a sink hangs and the log fails, and says so", async () => {
    const warnings: string[] = [];
    let closed = false;
    const log: EventLog = Object.assign(createMemoryEventLog(), {
      flush: () => Promise.reject(new Error("ENOSPC")),
      close: async () => {
        closed = true;
      },
    });
    const hanging: EventSink = {
      name: "hanging",
      onEvent: () => {},
      forceFlush: () => new Promise(() => {}),
      shutdown: async () => {},
    };
    const telemetry = await telemetryWith({
      log,
      sinks: [hanging],
      onWarning: (text) => warnings.push(text),
    });
    const started = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(fetch(`${telemetry.url}/healthz`)).rejects.toThrow();
    expect(warnings).toContainEqual(expect.stringContaining("flush did not finish"));
    expect(closed).toBe(true);
  });

  it("leaves no file open when it cannot start", async () => {
    const folder = closing(await mkdtemp(join(tmpdir(), "orchestra-log-")), (path) =>
      rm(path, { recursive: true }),
    );
    const listeners = process.listenerCount("exit");
    const sink: EventSink = {
      name: "logs",
      onEvent: () => {},
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const start = telemetryWith({ logFile: join(folder, "jobs.log"), sinks: [sink] });
    await expect(start).rejects.toMatchObject({ code: "INVALID_ARGUMENT", path: "sink.name" });
    expect(process.listenerCount("exit")).toBe(listeners);
  });

  it("leaves the shared feed to the next telemetry when the first one stops", async () => {
    const [first, second] = [await telemetryWith(), await telemetryWith()];
    await first.shutdown();
    publishOrchestratorEvent(createOrchestratorEvent("orchestra.error", { message: "m" }));
    await second.flush();
    expect(second.stats().events.made).toBe(1);
  });

  it("keeps the service's name and instance that the operator gave as resource attributes", async () => {
    const collector = await receiver();
    const telemetry = await telemetryWith({
      env: { OTEL_RESOURCE_ATTRIBUTES: "service.name=checkout,service.instance.id=pod-7" },
      traces: { url: collector.url },
    });
    await telemetry.run({ id: "j", workerId: "w", message: "m" }, () => "ok");
    await telemetry.flush();
    expect(collector.spans[0]?.resource).toMatchObject({
      "service.name": "checkout",
      "service.instance.id": "pod-7",
    });
    expect(await getJson(`${telemetry.url}/v1/jobs/j`)).toMatchObject({ events: [{ source: "pod-7" }, {}] });
  });

  it("takes the host's provider whatever the host's own exporter is set to", async () => {
    trace.setGlobalTracerProvider(new TracerProvider());
    try {
      const env = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_TRACES_EXPORTER: "console" };
      await expect(telemetryWith({ env, traces: {} })).resolves.toBeDefined();
    } finally {
      trace.disable();
    }
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    await expect(telemetryWith({ env, traces: {} })).rejects.toMatchObject({
      path: "OTEL_EXPORTER_OTLP_PROTOCOL",
    });
  });

  it("leaves no span of its own in the host's provider", async () => {
    const started: string[] = [];
    const processor: SpanProcessor = {
      onStart: (span) => void started.push(span.name),
      onEnd: () => {},
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }));
    try {
      await telemetryWith({ traces: {} });
      expect(started).toEqual([]);
    } finally {
      trace.disable();
    }
  });

  it("records exceptions on spans when nobody takes log records, and says so", async () => {
    const collector = await receiver();
    const warnings: string[] = [];
    const telemetry = await telemetryWith({
      env: { OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: "logs" },
      traces: { url: collector.url },
      onWarning: (text) => warnings.push(text),
    });
    const work = () => {
      throw new TypeError("no");
    };
    await expect(telemetry.run({ workerId: "w", message: "m" }, work)).rejects.toThrow("no");
    await telemetry.flush();
    const span = collector.spans.find(({ name }) => name === "invoke_agent w");
    expect(span?.events.map(({ name }) => name)).toEqual(["exception"]);
    expect(warnings).toEqual([expect.stringContaining("Exceptions are recorded on spans")]);
  });

  it("names the option when the log file cannot be opened", async () => {
    await expect(telemetryWith({ logFile: "/nowhere/at/all.log" })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      path: "logFile",
    });
  });
});
