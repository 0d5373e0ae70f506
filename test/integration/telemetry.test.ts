import { once } from "node:events";
import { createServer } from "node:net";
import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, describe, expect, it } from "vitest";
import { createOrchestratorEvent, onOrchestratorEvent, publishOrchestratorEvent } from "../../src/index.ts";
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
    const {
      ended = 0,
      exported = 0,
      pending = 0,
      dropped = {} as Record<string, number>,
    } = telemetry.stats().spans ?? {};
    const given = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect([ended, exported, pending, given]).toEqual([40, 0, 0, 40]);
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
    const handler = () => {};
    // The seat of the shared feed is free again.
    const next = await telemetryWith();
    onOrchestratorEvent(handler)();
    publishOrchestratorEvent(createOrchestratorEvent("orchestra.error", { message: "m" }));
    await next.flush();
    expect(next.stats().events.made).toBe(1);
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
    const { mkdtemp, readFile, rm } = await import("node:fs/promises");
    const folder = closing(await mkdtemp("/tmp/orchestra-log-"), (path) => rm(path, { recursive: true }));
    const telemetry = await telemetryWith({ logFile: `${folder}/jobs.log` });
    await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    await telemetry.shutdown();
    const lines = (await readFile(`${folder}/jobs.log`, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).event)).toEqual([
      "orchestra.job.created",
      "orchestra.job.completed",
    ]);
  });
});
