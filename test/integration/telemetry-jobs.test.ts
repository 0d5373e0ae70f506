import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isJobEvent } from "../../src/event/event.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry } from "../../src/telemetry.ts";
import { errorFrom } from "../fixtures/thrown.ts";
import { recordSpans } from "../fixtures/traced-job.ts";

const input = { workerId: "w", message: "m" };
let telemetry: Telemetry;
let registry: WorkerJobRegistry;
let warnings: string[];

beforeEach(async () => {
  registry = new WorkerJobRegistry();
  warnings = [];
  telemetry = await startTelemetry({
    env: {},
    bridge: false,
    registry,
    tracer: recordSpans().tracer,
    onWarning: (message) => void warnings.push(message),
  });
});
afterEach(() => telemetry.shutdown());

/** `type#revision` of every job event from now on. */
function listen(): string[] {
  const told: string[] = [];
  telemetry.onEvent(({ event }) => {
    if (isJobEvent(event)) told.push(`${event.type}#${event.data.revision}`);
  });
  return told;
}

describe("run", () => {
  it("from a handler of another job's event works inside its own span", async () => {
    telemetry.observe(registry);
    const seen = Promise.withResolvers<string | undefined>();
    registry.onJobEvent((job, event) => {
      if (job.workerId !== "first" || event !== "completed") return;
      void telemetry.run(input, (_job, { traceparent }) => seen.resolve(traceparent));
    });
    await telemetry.run({ ...input, workerId: "first" }, () => "done");
    expect(await seen.promise).toMatch(/^00-/);
  });

  it("after shutdown makes no job, and observes nothing any more", async () => {
    await telemetry.run(input, () => {});
    await telemetry.shutdown();
    expect((await errorFrom(() => telemetry.run(input, () => {}))).code).toBe("CLOSED");
    expect(registry.list()).toHaveLength(1);
    expect(telemetry.stats().events.dropped.closed).toBe(0);
  });

  it("can still be canceled while the telemetry shuts down around it", async () => {
    const started = Promise.withResolvers<string>();
    const running = telemetry.run(input, (job, { signal }) => {
      started.resolve(job.id);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    const refused = expect(running).rejects.toMatchObject({ name: "AbortError", message: "too late" });
    await telemetry.shutdown();
    registry.cancel(await started.promise, { reason: "too late" });
    await refused;
  });
});

describe("observe", () => {
  it("begun again tells no job twice", async () => {
    const told = listen();
    const stale = telemetry.observe(registry);
    const { id } = registry.create(input);
    stale.stop();
    telemetry.observe(registry);
    stale.stop();
    registry.setResult(id);
    registry.setResult(registry.create(input).id);
    await telemetry.flush();
    expect(told).toEqual([
      "orchestra.job.created#0",
      "orchestra.job.failed#1",
      "orchestra.job.created#0",
      "orchestra.job.completed#1",
    ]);
  });

  it("follows what was there before it", async () => {
    const told = listen();
    const { id } = registry.create(input);
    telemetry.observe(registry);
    registry.setResult(id);
    await telemetry.flush();
    expect(told).toEqual(["orchestra.job.created#0", "orchestra.job.completed#1"]);
  });

  it("tells of two registries with the same ids, unless one has a prefix", async () => {
    const told = listen();
    const [other, third] = [new WorkerJobRegistry(), new WorkerJobRegistry()];
    telemetry.observe(registry);
    telemetry.observe(other);
    telemetry.observe(third, { idPrefix: "third:" });
    for (const jobs of [registry, other, third]) jobs.create({ ...input, id: "1" });
    await telemetry.flush();
    expect(told).toHaveLength(2);
    expect(warnings).toEqual([expect.stringContaining("Job id `1`")]);
    expect(telemetry.stats().jobs.map(({ ignored }) => ignored.id_taken)).toEqual([0, 1, 0]);
  });
});
