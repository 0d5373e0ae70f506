import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { createOrchestratorEvent } from "../../src/event/event.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { openTestLog } from "../fixtures/sqlite-logs.ts";
import { errorFrom } from "../fixtures/thrown.ts";

const MIB = 1024 * 1024;

/** A log that is too large to be read through when it is opened, with damage in the middle of it. */
async function makeDamagedLog(): Promise<string> {
  const { log, store, file } = await openTestLog();
  const data = { message: "x".repeat(100_000) };
  const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
  await log.append(ids.map((id) => encodeEvent(createOrchestratorEvent("orchestra.error", data, { id }))));
  await log.close();
  store.close();
  const { size } = statSync(file);
  expect(size).toBeGreaterThan(16 * MIB);
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(MIB, 0xff), 0, MIB, Math.floor(size / 2));
  closeSync(descriptor);
  return file;
}

it("a log that cannot be read keeps no process from starting and telling its events, which is told", async () => {
  const warnings: string[] = [];
  const telemetry = await startTelemetry({
    env: {},
    dataFile: await makeDamagedLog(),
    bridge: false,
    traces: false,
    registry: new WorkerJobRegistry(),
    onWarning: (message) => warnings.push(message),
  });
  onTestFinished(() => telemetry.shutdown());
  const seen: string[] = [];
  telemetry.onEvent(({ event }) => seen.push(event.type));
  await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
  await errorFrom(() => telemetry.flush());
  expect(seen).toEqual(["orchestra.job.created", "orchestra.job.completed"]);
  expect(warnings).toContainEqual(expect.stringMatching(/job table failed.*cannot be read.*malformed/));
});
