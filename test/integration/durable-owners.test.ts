import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobEvent } from "../../src/event/event.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { jobEvent } from "../fixtures/job-story.ts";

let folder: string;
const opened: Telemetry[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-owners-"));
});

afterEach(async () => {
  for (const telemetry of opened.splice(0)) await telemetry.shutdown();
  await rm(folder, { recursive: true });
});

async function start(options: TelemetryOptions = {}) {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({
    env: {},
    dataFile: join(folder, "orchestra.db"),
    bridge: { port: 0 },
    traces: false,
    registry,
    ...options,
  });
  opened.push(telemetry);
  telemetry.observe(registry);
  const typesOf = async (jobId: string) => {
    const response = await fetch(`${telemetry.url}/v1/jobs/${jobId}`);
    return ((await response.json()) as { events: JobEvent[] }).events.map(({ type }) => type);
  };
  return { telemetry, registry, typesOf };
}

describe("an open job in a shared file", () => {
  it("is left to its process when another of the same `service.instance.id` leaves", async () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=same" };
    const [first, second] = [await start({ env }), await start({ env })];
    second.registry.create({ id: "live", workerId: "w", message: "m" });
    await second.telemetry.flush();
    first.registry.create({ id: "cut short", workerId: "w", message: "m" });
    await first.telemetry.shutdown();
    const third = await start({ env });
    await third.telemetry.flush();
    expect(await third.typesOf("live")).toEqual(["orchestra.job.created"]);
    expect(await third.typesOf("cut short")).toEqual(["orchestra.job.created", "orchestra.job.failed"]);
  });

  it("is left alone when it was posted, also without a source, and who took it leaves", async () => {
    const first = await start();
    const { source: _, ...event } = jobEvent("orchestra.job.created", "posted");
    const response = await fetch(`${first.telemetry.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${first.telemetry.token}`, "content-type": "application/json" },
      body: JSON.stringify(event),
    });
    expect(response.status).toBe(202);
    await first.telemetry.shutdown();
    const second = await start();
    await second.telemetry.flush();
    expect(await second.typesOf("posted")).toEqual(["orchestra.job.created"]);
  });
});
