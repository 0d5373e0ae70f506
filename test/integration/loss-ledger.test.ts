import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type Telemetry } from "../../src/telemetry.ts";
import type { TelemetryStatus } from "../../src/telemetry-status.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fixtures/otlp-receiver.ts";

const JOBS = 200;

let folder: string;
let receiver: OtlpReceiver;
let telemetry: Telemetry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-ledger-"));
  receiver = await startOtlpReceiver();
  telemetry = await start();
});

afterEach(async () => {
  await telemetry.shutdown();
  await receiver.close();
  await rm(folder, { recursive: true });
});

function start(): Promise<Telemetry> {
  return startTelemetry({
    env: {},
    dataFile: join(folder, "orchestra.db"),
    bridge: { port: 0 },
    registry: new WorkerJobRegistry(),
    traces: { url: receiver.url },
  });
}

async function ledger(): Promise<TelemetryStatus["ledger"]> {
  const response = await fetch(`${telemetry.url}/v1/status`);
  const { ledger: told } = (await response.json()) as TelemetryStatus;
  expect([told.events.balance, told.spans?.balance, told.spans?.inherited.balance]).toEqual([0, 0, 0]);
  return told;
}

/** Jobs of two events each, a few per turn of the event loop. */
async function burst(): Promise<void> {
  for (let job = 0; job < JOBS; job++) {
    await telemetry.run({ workerId: "w", message: "m" }, () => "ok");
    if (job % 5 === 0) await nextTurn();
  }
}

/** The paths of all leaves, in order of the alphabet. */
function keysOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value)
    .flatMap(([key, part]) => keysOf(part, `${path}.${key}`))
    .sort();
}

/** Asks over and over until `work` is done. Returns how often. */
async function watched(work: Promise<void>): Promise<number> {
  let isDone = false;
  const done = work.then(() => {
    isDone = true;
  });
  let looks = 0;
  for (; !isDone; looks++) await ledger();
  await done;
  return looks;
}

describe("the ledger of GET /v1/status", () => {
  it("balances at any moment of a burst, and counts all of it in the end", async () => {
    expect(await watched(burst())).toBeGreaterThan(3);
    await telemetry.flush();
    const { events, spans } = await ledger();
    expect(events).toMatchObject({ made: 2 * JOBS, delivered: 2 * JOBS, queued: 0 });
    expect(spans).toMatchObject({ made: 2 * JOBS, delivered: 2 * JOBS, queued: 0 });
    expect(receiver.spans).toHaveLength(2 * JOBS);
    expect(events.sinks.sse).toEqual({ delivered: 2 * JOBS, failed: 0 });
  });

  it("balances while nobody takes the spans, and when they are taken after all", async () => {
    await receiver.behave("refuse");
    await watched(burst());
    expect((await ledger()).spans).toMatchObject({ made: 2 * JOBS, delivered: 0, queued: 2 * JOBS });
    await receiver.behave("ok");
    await watched(telemetry.flush());
    expect((await ledger()).spans).toMatchObject({ delivered: 2 * JOBS, queued: 0 });
    expect(receiver.spans).toHaveLength(2 * JOBS);
  });

  it("balances for what an earlier process had left", async () => {
    await receiver.behave("refuse");
    await burst();
    await telemetry.shutdown();
    await receiver.behave("ok");
    telemetry = await start();
    const arrived = receiver.until(() => receiver.spans.length === 2 * JOBS);
    await watched(arrived);
    await telemetry.flush();
    const { events, spans } = await ledger();
    expect(events).toMatchObject({ made: 0, delivered: 0 });
    expect(spans).toMatchObject({ made: 0, inherited: { made: 2 * JOBS, delivered: 2 * JOBS, queued: 0 } });
  });

  it("is as docs/http.md shows it", async () => {
    const page = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");
    const [, json = ""] = /```json\n(\{\n {2}"ledger"[\s\S]*?)```/.exec(page) ?? [];
    const told = (await (await fetch(`${telemetry.url}/v1/status`)).json()) as TelemetryStatus;
    const example = JSON.parse(json) as TelemetryStatus;
    expect(keysOf(told)).toEqual(expect.arrayContaining(keysOf(example)));
    expect(keysOf(told.ledger)).toEqual(keysOf(example.ledger));
  });

  it("stands beside the state of the data file", async () => {
    const response = await fetch(`${telemetry.url}/v1/status`);
    expect(await response.json()).toMatchObject({
      dataFile: { degraded: false, waiting: 0, lostToDisk: 0 },
      log: { latest: expect.any(String) },
    });
  });
});
