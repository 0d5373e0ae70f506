import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { openStore } from "../../src/store/open-store.ts";
import { startTelemetry, type Telemetry } from "../../src/telemetry.ts";

const CHILD = join(import.meta.dirname, "../fixtures/durable-child.ts");

let folder: string;
let dataFile: string;
const opened: Telemetry[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-operate-"));
  dataFile = join(folder, "orchestra.db");
});

afterEach(async () => {
  for (const telemetry of opened.splice(0)) await telemetry.shutdown();
  await rm(folder, { recursive: true });
});

async function start(file = dataFile): Promise<Telemetry> {
  const registry = new WorkerJobRegistry();
  const options = { env: {}, dataFile: file, bridge: { port: 0 }, traces: false, registry } as const;
  const telemetry = await startTelemetry(options);
  opened.push(telemetry);
  return telemetry;
}

interface Snapshot {
  jobs: { jobId: string; status: string }[];
  cursor: string;
}

async function snapshot({ url }: Telemetry): Promise<Snapshot> {
  return (await fetch(`${url}/v1/jobs`)).json() as Promise<Snapshot>;
}

async function statuses(telemetry: Telemetry): Promise<Record<string, string>> {
  const { jobs } = await snapshot(telemetry);
  return Object.fromEntries(jobs.map(({ jobId, status }) => [jobId, status]));
}

/** The journal and its index go where the file goes. */
async function moveTo(target: string): Promise<string> {
  await mkdir(join(folder, target));
  const moved = join(folder, target, "moved.db");
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(dataFile + suffix)) await rename(dataFile + suffix, moved + suffix);
  }
  return moved;
}

describe("a data file", () => {
  it("goes on where it is moved to, after a shutdown and after a kill", async () => {
    const child = spawn(process.execPath, [CHILD, dataFile, "http://127.0.0.1:1/v1/traces"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    dataFile = await moveTo("after-kill");
    const first = await start();
    const interrupted = { done: "succeeded", open: "failed", "handed-over": "failed" };
    await first.flush();
    expect(await statuses(first)).toEqual(interrupted);
    const { cursor } = await snapshot(first);
    await first.shutdown();
    dataFile = await moveTo("after-shutdown");
    const second = await start();
    expect(await statuses(second)).toEqual(interrupted);
    expect((await snapshot(second)).cursor).toBe(cursor);
  });

  it("is backed up whole while it is in use", async () => {
    const telemetry = await start();
    await telemetry.run({ id: "before", workerId: "w", message: "m" }, () => "ok");
    await telemetry.flush();
    const backup = join(folder, "backup.db");
    const store = await openStore({ file: dataFile });
    store.exec(`VACUUM INTO '${backup}'`);
    store.close();
    await telemetry.run({ id: "after", workerId: "w", message: "m" }, () => "ok");
    const restored = await start(backup);
    expect(await statuses(restored)).toEqual({ before: "succeeded" });
    expect(await statuses(telemetry)).toEqual({ before: "succeeded", after: "succeeded" });
  });

  it("is begun anew when it is deleted, and readers are told", async () => {
    const first = await start();
    await first.run({ workerId: "w", message: "m" }, () => "ok");
    await first.flush();
    const { cursor } = await snapshot(first);
    await first.shutdown();
    for (const suffix of ["", "-wal", "-shm"]) await rm(dataFile + suffix, { force: true });
    const second = await start();
    expect(await statuses(second)).toEqual({});
    const response = await fetch(`${second.url}/v1/events?after=${cursor}`);
    const body = response.body as NonNullable<typeof response.body>;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("resync")) text += (await reader.read()).value;
    while (!text.includes('"reason":"epoch"')) text += (await reader.read()).value;
    await reader.cancel();
  });
});
