import { afterEach, expect, it } from "vitest";
import { createOrchestratorEvent } from "../../src/event/event.ts";
import { publishOrchestratorEvent } from "../../src/event/orchestrator-events.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";

const SECRET = "hunter2";
const running: Telemetry[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((telemetry) => telemetry.shutdown()));
});

async function start(options: TelemetryOptions = {}) {
  const telemetry = await startTelemetry({
    env: { OTEL_SDK_DISABLED: "true" },
    bridge: false,
    registry: new WorkerJobRegistry(),
    ...options,
  });
  running.push(telemetry);
  const json: string[] = [];
  telemetry.onEvent((record) => json.push(record.json));
  return { telemetry, json };
}

const redact = (text: string) => text.replaceAll(SECRET, "***");

it("lets no secret out of a job, an event that the program publishes, or the shared feed", async () => {
  const { telemetry, json } = await start({ redact });
  const running = telemetry.run({ workerId: "w", message: `use ${SECRET}` }, (_job, { progress }) => {
    progress({ message: SECRET, stage: `with ${SECRET}`, unit: SECRET });
    throw new Error(`no ${SECRET}`);
  });
  await expect(running).rejects.toThrow(SECRET);
  const chunk = { workerId: "w", chunk: SECRET, timestamp: 1 };
  telemetry.publish(createOrchestratorEvent("orchestra.worker.stream", { chunk }));
  publishOrchestratorEvent(
    createOrchestratorEvent("orchestra.error", { message: SECRET, details: { env: { PASSWORD: SECRET } } }),
  );
  await telemetry.flush();
  expect(json).toHaveLength(5);
  for (const event of json) {
    expect(event).toContain("***");
    expect(event).not.toContain(SECRET);
  }
});

it("hands a job's whole texts to who has the token, but not what is redacted", async () => {
  const { telemetry } = await start({ redact, bridge: { port: 0 } });
  const message = `${SECRET} ${"x".repeat(1_000)}`;
  const { id } = await telemetry.run({ workerId: "w", message }, (job) => job);
  telemetry.registry.create({ id: "answered", workerId: "w", message: "m" });
  telemetry.registry.setResult("answered", { responseText: message });
  await telemetry.flush();
  const contentOf = async (jobId: string) => {
    const authorization = `Bearer ${telemetry.token}`;
    const response = await fetch(`${telemetry.url}/v1/jobs/${jobId}?content=1`, {
      headers: { authorization },
    });
    return ((await response.json()) as { content: unknown }).content;
  };
  expect(await contentOf(id)).toEqual({ message: redact(message) });
  expect(await contentOf("answered")).toEqual({ message: "m", response: redact(message) });
});
