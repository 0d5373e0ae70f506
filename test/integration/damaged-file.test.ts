import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { createOrchestratorEvent } from "../../src/event/event.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import { createSqliteEventLog } from "../../src/event-log/sqlite.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { openStore } from "../../src/store/open-store.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { openTestLog, readAll, temporaryFolder } from "../fixtures/sqlite-logs.ts";
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

const start = (dataFile: string) =>
  startTelemetry({
    env: {},
    dataFile,
    bridge: false,
    traces: false,
    registry: new WorkerJobRegistry(),
    onWarning: () => {},
  });

/** The events of a data file, as JSON. */
async function eventsIn(file: string): Promise<string[]> {
  const store = await openStore({ file });
  const log = createSqliteEventLog({ store });
  const events = readAll(log).map(({ json }) => json);
  await log.close();
  store.close();
  return events;
}

/** A data file that was closed after some jobs. */
async function makeSoundFile() {
  const file = join(temporaryFolder(), "sound.db");
  const telemetry = await start(file);
  for (let job = 0; job < 50; job++) await telemetry.run({ workerId: "w", message: `${job}` }, () => "ok");
  await telemetry.shutdown();
  const events = await eventsIn(file);
  return { content: readFileSync(file), events: new Set(events) };
}

it("a file in which bytes turned into others keeps no process from starting, and shows nothing else", async () => {
  const sound = await makeSoundFile();
  const folder = temporaryFolder();
  // The first page has the names of tables and columns, which SQLite looks at the least.
  const place = fc.oneof(fc.nat(4_095), fc.nat(sound.content.length - 1));
  const harm = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 32 });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(harm, async (bytes) => {
      const file = join(folder, `${count++}.db`);
      const harmed = Buffer.from(sound.content);
      for (const [position, byte] of bytes) harmed[position] = byte;
      writeFileSync(file, harmed);
      const telemetry = await start(file);
      const [types, told] = [[] as string[], [] as string[]];
      telemetry.onEvent(({ event, json }) => {
        types.push(event.type);
        told.push(json);
      });
      await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
      await telemetry.shutdown();
      expect(types).toEqual(["orchestra.job.created", "orchestra.job.completed"]);
      const former = (await eventsIn(file)).filter((json) => !told.includes(json));
      expect(former.filter((json) => !sound.events.has(json))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
