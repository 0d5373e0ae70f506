import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { startTelemetry, type TelemetryOptions } from "../../src/telemetry.ts";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";

const TOKEN = "a-token-of-sixteen-letters";

async function start(options: TelemetryOptions) {
  const registry = new WorkerJobRegistry();
  const telemetry = await startTelemetry({ env: {}, traces: false, registry, ...options });
  onTestFinished(() => telemetry.shutdown());
  telemetry.observe(registry);
  return { telemetry, registry };
}

/** One that serves the feed, and one whose jobs are only in the same file. */
async function startTwo() {
  const dataFile = join(temporaryFolder(), "orchestra.db");
  const serving = await start({ dataFile, bridge: { port: 0, token: TOKEN } });
  const running = await start({ dataFile, bridge: false });
  const ask = (path: string, body?: object) =>
    fetch(`${serving.telemetry.url}/v1/jobs/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  return { serving, running, ask };
}

it("a job of another process that shares the data file is canceled by it, and seen to be", async () => {
  const { running, ask } = await startTwo();
  const { id } = running.registry.create({ workerId: "w", message: "m" });
  await running.telemetry.flush();
  await expect.poll(async () => (await ask(id)).status).toBe(200);
  const answer = await ask(`${id}/cancel`, { reason: "too slow" });
  expect([answer.status, await answer.json()]).toEqual([202, { jobId: id }]);
  await expect.poll(() => running.registry.get(id)?.status).toBe("canceled");
  const seen = async () => ((await (await ask(id)).json()) as { job: object }).job;
  await expect.poll(seen).toMatchObject({ status: "canceled", reason: "too slow" });
});

it("a job that ended meanwhile, or that nobody runs, is not asked for", async () => {
  const { running, ask } = await startTwo();
  const { id } = running.registry.create({ workerId: "w", message: "m" });
  running.registry.setResult(id, { responseText: "done" });
  await running.telemetry.flush();
  await expect.poll(async () => (await ask(id)).status).toBe(200);
  await expect
    .poll(async () => ((await (await ask(id)).json()) as { job: { status: string } }).job.status)
    .toBe("succeeded");
  const refusals = [
    [id, 409, "ILLEGAL_TRANSITION"],
    ["unknown", 404, "UNKNOWN_JOB"],
  ] as const;
  for (const [job, status, code] of refusals) {
    const answer = await ask(`${job}/cancel`, {});
    expect([answer.status, await answer.json()]).toMatchObject([status, { error: { code } }]);
  }
});
