import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { isJobEvent } from "../../src/event/event.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry } from "../../src/telemetry.ts";
import { EXAMPLE_TRACEPARENT } from "../fixtures/event-examples.ts";
import type { LogRequest } from "../fixtures/log-process.ts";
import { startOtlpReceiver } from "../fixtures/otlp-receiver.ts";
import { openTestLog, openTestStore, readAll, temporaryFolder } from "../fixtures/sqlite-logs.ts";

const SCRIPT = join(import.meta.dirname, "../fixtures/log-process.ts");
const HEARTBEAT_MS = 20;

/** A process that begins a job and says no more of it, until it is killed. Returns its last heartbeat. */
async function killedWhileQuiet(file: string): Promise<{ beatAt: number; killedAt: number }> {
  const child = fork(SCRIPT, [file, "quiet", String(HEARTBEAT_MS)], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  const opened = once(child, "message");
  child.send({ kind: "job", jobId: "quiet", traceparent: EXAMPLE_TRACEPARENT } satisfies LogRequest);
  await opened;
  const store = await openTestStore({ file });
  const lease = () => store.prepare("SELECT beat, beat_at AS beatAt FROM instances").get();
  const beats = () => Number(lease()?.beat);
  const before = beats();
  await expect.poll(beats, { timeout: 10_000, interval: 5 }).toBeGreaterThan(before + 5);
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
  return { beatAt: Number(lease()?.beatAt), killedAt: Date.now() };
}

it("a job that was quiet until its process was killed ends with the last sign of life, and so does its span", async () => {
  const file = join(temporaryFolder(), "orchestra.db");
  const receiver = await startOtlpReceiver();
  onTestFinished(() => receiver.close());
  const { beatAt, killedAt } = await killedWhileQuiet(file);
  const telemetry = await startTelemetry({
    env: {},
    dataFile: file,
    bridge: false,
    registry: new WorkerJobRegistry(),
    traces: { url: receiver.url },
  });
  onTestFinished(() => telemetry.shutdown());
  await telemetry.flush();
  const { log } = await openTestLog({ file });
  const [created, failed] = readAll(log)
    .map(({ event }) => event)
    .filter(isJobEvent);
  const startedAt = created?.data.startedAt as number;
  expect(failed).toMatchObject({
    type: "orchestra.job.failed",
    data: { errorType: "interrupted", startedAt, finishedAt: beatAt, durationMs: beatAt - startedAt },
  });
  expect(beatAt - startedAt).toBeGreaterThanOrEqual(4 * HEARTBEAT_MS);
  expect(beatAt).toBeLessThanOrEqual(killedAt);
  await receiver.until(() => receiver.spans.length > 0);
  expect(receiver.spans).toMatchObject([
    {
      spanId: EXAMPLE_TRACEPARENT.slice(36, 52),
      startTime: BigInt(startedAt) * 1_000_000n,
      endTime: BigInt(beatAt) * 1_000_000n,
    },
  ]);
});
