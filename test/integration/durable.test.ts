import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { openTestLog, readAll } from "../fixtures/sqlite-logs.ts";

const CHILD = join(import.meta.dirname, "../fixtures/durable-child.ts");

let folder: string;
let dataFile: string;
let receiver: OtlpReceiver;
const opened: Telemetry[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-durable-"));
  dataFile = join(folder, "orchestra.db");
  receiver = await startOtlpReceiver();
});

afterEach(async () => {
  for (const telemetry of opened.splice(0)) await telemetry.shutdown();
  await receiver.close();
  await rm(folder, { recursive: true });
});

async function start(options: TelemetryOptions = {}): Promise<Telemetry> {
  const defaults = { env: {}, dataFile, bridge: { port: 0 }, registry: new WorkerJobRegistry() };
  const telemetry = await startTelemetry({ ...defaults, traces: { url: receiver.url }, ...options });
  opened.push(telemetry);
  return telemetry;
}

/** A process that has begun jobs and is killed in the middle of them. */
async function killedProcess(): Promise<void> {
  const child = spawn(process.execPath, [CHILD, dataFile, receiver.url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
}

async function eventsOf(telemetry: Telemetry, jobId: string): Promise<JobEvent[]> {
  const response = await fetch(`${telemetry.url}/v1/jobs/${jobId}`);
  return ((await response.json()) as { events: JobEvent[] }).events;
}

describe("a data file", () => {
  it("keeps the jobs of a process that was killed, and ends the open ones as interrupted", async () => {
    await killedProcess();
    const telemetry = await start();
    await telemetry.flush();
    const types = async (jobId: string) => (await eventsOf(telemetry, jobId)).map(({ type }) => type);
    expect(await types("done")).toEqual(["orchestra.job.created", "orchestra.job.completed"]);
    expect(await types("open")).toEqual([
      "orchestra.job.created",
      "orchestra.job.progress",
      "orchestra.job.failed",
    ]);
    const [created, , failed] = await eventsOf(telemetry, "open");
    expect(failed).toMatchObject({
      traceparent: created?.traceparent,
      data: { errorType: "interrupted", revision: 2, sessionId: "s", startedAt: created?.data.startedAt },
    });
  });

  it("sends the span of an interrupted job under the ids that it had", async () => {
    await killedProcess();
    const telemetry = await start();
    const [created] = await eventsOf(telemetry, "open");
    await receiver.until(() =>
      receiver.spans.some(
        ({ attributes }) =>
          attributes["orchestra.job.id"] === "open" && "orchestra.job.reconstructed" in attributes,
      ),
    );
    const span = receiver.spans.find(
      ({ attributes }) =>
        "orchestra.job.reconstructed" in attributes && attributes["orchestra.job.id"] === "open",
    );
    expect(created?.traceparent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    expect(span).toMatchObject({
      attributes: { "error.type": "interrupted", "orchestra.job.progress.count": 1 },
      events: [{ name: "orchestra.job.progress" }],
    });
  });

  it("is left for later by a process that has a log of its own", async () => {
    await killedProcess();
    const elsewhere = await start({ log: createMemoryEventLog() });
    await elsewhere.flush();
    expect(elsewhere.stats().events.made).toBe(0);
    await elsewhere.shutdown();
    const telemetry = await start();
    await telemetry.flush();
    expect((await eventsOf(telemetry, "open")).at(-1)).toMatchObject({ data: { errorType: "interrupted" } });
  });

  it("counts in its status what it could not end", async () => {
    await killedProcess();
    const { url } = await start();
    const status = await (await fetch(`${url}/v1/status`)).json();
    expect(status).toMatchObject({ orphans: { waiting: 0, dropped: 0 } });
  });

  it("ends an interrupted job once, however many processes start", async () => {
    await killedProcess();
    const [first, second] = await Promise.all([start(), start()]);
    await Promise.all([first.flush(), second.flush()]);
    const ends = (await eventsOf(first, "open")).filter(({ type }) => type === "orchestra.job.failed");
    expect(ends).toHaveLength(1);
  });

  it("lets a job that was handed over go on, and makes its span when it ends", async () => {
    await killedProcess();
    const registry = new WorkerJobRegistry();
    registry.adopt("handed-over");
    const telemetry = await start({ registry });
    expect(registry.get("handed-over")).toMatchObject({ status: "running", workerId: "w" });
    registry.updateProgress("handed-over", { message: "on" });
    registry.setResult("handed-over", { responseText: "made it" });
    await telemetry.flush();
    const events = await eventsOf(telemetry, "handed-over");
    expect(events.map(({ type, data }) => [type, data.revision])).toEqual([
      ["orchestra.job.created", 0],
      ["orchestra.job.progress", 1],
      ["orchestra.job.completed", 2],
    ]);
    const isIt = ({ attributes }: OtlpReceiver["spans"][number]) =>
      attributes["orchestra.job.id"] === "handed-over" && "orchestra.job.result" in attributes;
    await receiver.until(() => receiver.spans.some(isIt));
    expect(events[0]?.traceparent?.slice(36, 52)).toBe(receiver.spans.find(isIt)?.spanId);
  });

  it("ends the span of a job that was handed over when a shutdown cuts it short", async () => {
    await killedProcess();
    const registry = new WorkerJobRegistry();
    registry.adopt("handed-over");
    const telemetry = await start({ registry });
    const [created] = await eventsOf(telemetry, "handed-over");
    await telemetry.shutdown();
    const isIt = ({ attributes }: OtlpReceiver["spans"][number]) =>
      attributes["orchestra.job.id"] === "handed-over" && attributes["error.type"] === "interrupted";
    await receiver.until(() => receiver.spans.some(isIt));
    expect(created?.traceparent?.slice(36, 52)).toBe(receiver.spans.find(isIt)?.spanId);
  });

  it("warns of jobs that were handed over and are not there", async () => {
    await killedProcess();
    const registry = new WorkerJobRegistry();
    for (const id of ["handed-over", "done", "never-was"]) registry.adopt(id);
    const warnings: string[] = [];
    await start({ registry, onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(/`done`, `never-was`$/)]);
  });

  it("ends each run of a job whose id is used again", async () => {
    await killedProcess();
    await (await start()).shutdown();
    await killedProcess();
    const telemetry = await start();
    await telemetry.flush();
    const events = await eventsOf(telemetry, "open");
    const run = ["orchestra.job.created", "orchestra.job.progress", "orchestra.job.failed"];
    expect(events.map(({ type }) => type)).toEqual([...run, ...run]);
    expect(new Set(events.map(({ traceparent }) => traceparent)).size).toBe(2);
  });

  it("ends a job whose beginning is gone, and sends the span that it had", async () => {
    await killedProcess();
    const { log, store } = await openTestLog({ file: dataFile });
    const [lost, left] = readAll(log).filter(
      ({ event }) => "jobId" in event.data && event.data.jobId === "open",
    );
    store.prepare("DELETE FROM events WHERE id = ?").run(lost?.event.id ?? "");
    const telemetry = await start();
    await telemetry.flush();
    expect(await eventsOf(telemetry, "open")).toMatchObject([
      { type: "orchestra.job.progress" },
      { type: "orchestra.job.failed", data: { errorType: "interrupted", sessionId: "s", revision: 2 } },
    ]);
    const spanId = left?.event.traceparent?.slice(36, 52);
    const isIt = (span: OtlpReceiver["spans"][number]) =>
      span.spanId === spanId && "orchestra.job.reconstructed" in span.attributes;
    await receiver.until(() => receiver.spans.some(isIt));
    expect(receiver.spans.find(isIt)?.attributes).not.toHaveProperty(["orchestra.job.message"]);
  });

  it("keeps spans that nobody took until somebody does", async () => {
    await receiver.behave("refuse");
    const first = await start();
    await first.run({ workerId: "w", message: "m" }, () => "ok");
    await first.shutdown();
    expect(first.stats().spans).toMatchObject({ ended: 2, exported: 0, pending: 2 });
    await receiver.behave("ok");
    const second = await start();
    await receiver.until(() => receiver.spans.length === 2);
    await second.shutdown();
    expect(second.stats().spans).toMatchObject({
      ended: 0,
      inherited: { found: 2, exported: 2, pending: 0 },
    });
  });

  it("gives two processes one feed", async () => {
    const [first, second] = await Promise.all([start(), start()]);
    const seen: string[] = [];
    const both = Promise.withResolvers<void>();
    second.onEvent(({ event }) => {
      if ("jobId" in event.data) seen.push(`${event.type} ${event.data.jobId}`);
      if (seen.length === 2) both.resolve();
    });
    await first.run({ id: "of-first", workerId: "w", message: "m" }, () => "ok");
    await both.promise;
    expect(seen).toEqual(["orchestra.job.created of-first", "orchestra.job.completed of-first"]);
    expect(await (await fetch(`${second.url}/v1/jobs`)).json()).toMatchObject({
      jobs: [{ jobId: "of-first", status: "succeeded" }],
    });
  });

  it("lets a reader go on where it was when the server comes back", async () => {
    const first = await start();
    await first.run({ id: "before", workerId: "w", message: "m" }, () => "ok");
    await first.flush();
    const { cursor } = (await (await fetch(`${first.url}/v1/jobs`)).json()) as { cursor: string };
    await first.shutdown();
    const second = await start();
    await second.run({ id: "after", workerId: "w", message: "m" }, () => "ok");
    await second.flush();
    const response = await fetch(`${second.url}/v1/events?after=${cursor}`);
    const body = response.body as NonNullable<typeof response.body>;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("orchestra.job.completed")) text += (await reader.read()).value;
    await reader.cancel();
    expect(text).not.toContain("resync");
    expect([...text.matchAll(/"jobId":"([^"]+)"/g)].map(([, id]) => id)).toEqual(["after", "after"]);
  });
});
