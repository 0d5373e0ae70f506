import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";

const KIB = 1024;
const NOWHERE = { url: "http://127.0.0.1:1/v1/traces" };

/** A telemetry that has run so many jobs, all of them in the log and their spans in the outbox. */
async function runJobs(count: number, options: TelemetryOptions): Promise<Telemetry> {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({ env: {}, bridge: false, registry, traces: NOWHERE, ...options });
  onTestFinished(() => telemetry.shutdown());
  for (let i = 0; i < count; i++) {
    await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    if (i % 20 === 0) await telemetry.flush();
  }
  await telemetry.flush();
  return telemetry;
}

describe("a limit that is set", () => {
  it.each<[string, (file: string) => TelemetryOptions]>([
    ["in code", (file) => ({ dataFile: { file, retention: { maxEvents: 50 } }, traces: false })],
    [
      "in the environment",
      (file) => ({ env: { ORCHESTRA_DATA_FILE: file, ORCHESTRA_DATA_MAX_EVENTS: "50" }, traces: false }),
    ],
  ])("%s bounds the events in the data file", async (_where, options) => {
    const file = join(temporaryFolder(), "orchestra.db");
    const telemetry = await runJobs(200, options(file));
    expect(telemetry.stats().events.appended).toBe(400);
    expect(telemetry.stats().log).toMatchObject({ file, waiting: 0 });
    expect(telemetry.stats().log?.events).toBeLessThanOrEqual(50);
  });

  it.each<[string, (file: string) => TelemetryOptions]>([
    ["the data file", (dataFile) => ({ dataFile, traces: { ...NOWHERE, outbox: { maxBytes: 30 * KIB } } })],
    ["memory", () => ({ traces: { ...NOWHERE, outbox: { maxMemoryBytes: 30 * KIB } } })],
    ["memory, by a variable", () => ({ env: { ORCHESTRA_OUTBOX_MAX_MEMORY_BYTES: `${30 * KIB}` } })],
  ])("bounds the unsent spans in %s", async (_place, options) => {
    const telemetry = await runJobs(200, options(join(temporaryFolder(), "orchestra.db")));
    const { bytes = 0, ended, pending = 0, dropped } = telemetry.stats().spans ?? {};
    expect(ended).toBe(400);
    expect(bytes).toBeGreaterThan(10 * KIB);
    expect(bytes).toBeLessThanOrEqual(30 * KIB);
    expect(dropped).toMatchObject({ over_limit: 400 - pending, rejected: 0 });
  });
});
