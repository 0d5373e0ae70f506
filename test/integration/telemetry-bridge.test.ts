import { afterEach, describe, expect, it } from "vitest";
import type { EventLog } from "../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { Http2Client } from "../fixtures/http2-client.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { createLogWith } from "../fixtures/publisher-rig.ts";
import { TLS, TLS_FILES } from "../fixtures/tls-files.ts";

const running: Telemetry[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((telemetry) => telemetry.shutdown()));
});

async function start(log?: EventLog) {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({ env: {}, traces: false, registry, log, bridge: { port: 0 } });
  running.push(telemetry);
  telemetry.observe(registry);
  const post = async (event: object) => {
    const response = await fetch(`${telemetry.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${telemetry.token}`, "content-type": "application/json" },
      body: JSON.stringify(event),
    });
    return { status: response.status, body: await response.json() };
  };
  return { telemetry, registry, post };
}

describe("the bridge of a telemetry", () => {
  it("lets nobody end a job of this process but the process itself", async () => {
    const { telemetry, registry, post } = await start();
    const { id } = registry.create({ workerId: "w", message: "m" });
    await telemetry.flush();
    expect(await post(jobEvent("orchestra.job.completed", id))).toMatchObject({
      status: 409,
      body: { error: { code: "CONFLICT", path: "data.jobId" } },
    });
    registry.setError(id, { error: new Error("real") });
    // Its own end may still be on its way into the log.
    expect(await post(jobEvent("orchestra.job.completed", id))).toMatchObject({ status: 409 });
    await telemetry.flush();
    const { events } = (await (await fetch(`${telemetry.url}/v1/jobs/${id}`)).json()) as {
      events: { type: string }[];
    };
    expect(events.map(({ type }) => type)).toEqual(["orchestra.job.created", "orchestra.job.failed"]);
  });

  it("tells its readers where traces are shown, when somebody has said so", async () => {
    const traceUrl = "http://localhost:16686/trace/{traceId}";
    const told = async (options: TelemetryOptions) => {
      const telemetry = await startTelemetry({
        env: {},
        traces: false,
        registry: new WorkerJobRegistry(),
        ...options,
      });
      running.push(telemetry);
      return (await (await fetch(`${telemetry.url}/v1/status`)).json()) as object;
    };
    expect(await told({ bridge: { port: 0, traceUrl } })).toMatchObject({ traceUrl });
    const env = { ORCHESTRA_TRACE_URL: traceUrl, ORCHESTRA_BRIDGE_PORT: "0" };
    expect(await told({ env })).toMatchObject({ traceUrl });
    expect(await told({ bridge: { port: 0 } })).not.toHaveProperty("traceUrl");
  });

  it("accepts no event that the log did not take, and takes it when it is sent again", async () => {
    const memory = createMemoryEventLog();
    const log = createLogWith({}, memory);
    const { telemetry, post } = await start(log);
    log.append = () => Promise.reject(new Error("ENOSPC"));
    const event = jobEvent("orchestra.job.created", "j");
    expect(await post(event)).toMatchObject({ status: 503, body: { error: { code: "UNAVAILABLE" } } });
    log.append = (batch) => memory.append(batch);
    expect(await post(event)).toEqual({ status: 202, body: { accepted: 1, duplicates: 0 } });
    expect(await post(event)).toEqual({ status: 202, body: { accepted: 0, duplicates: 1 } });
    expect(telemetry.stats().events).toMatchObject({ appended: 1, dropped: { append_failed: 1 } });
  });
});

describe("the bridge's certificate", () => {
  async function answerOf(options: TelemetryOptions) {
    const telemetry = await startTelemetry({ traces: false, registry: new WorkerJobRegistry(), ...options });
    running.push(telemetry);
    const client = new Http2Client(telemetry.url as string);
    const { status } = await client.ask({ ":path": "/readyz" });
    await client.close();
    return { url: telemetry.url, status };
  }

  it("comes from files that variables name", async () => {
    const env = {
      ORCHESTRA_BRIDGE_PORT: "0",
      ORCHESTRA_BRIDGE_TLS_CERT: TLS_FILES.cert,
      ORCHESTRA_BRIDGE_TLS_KEY: TLS_FILES.key,
    };
    const { url, status } = await answerOf({ env });
    expect([new URL(url as string).protocol, status]).toEqual(["https:", 200]);
  });

  it("comes from the code as files or as text", async () => {
    const { cert, key } = TLS;
    expect(await answerOf({ env: {}, bridge: { port: 0, tls: { cert, key } } })).toMatchObject({
      status: 200,
    });
    const files = { cert: TLS_FILES.cert, key: TLS_FILES.key };
    expect(await answerOf({ env: {}, bridge: { port: 0, tls: files } })).toMatchObject({ status: 200 });
  });
});
