import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { errorFrom } from "../../fixtures/thrown.ts";

const MAX_DELAY_MS = 2 ** 31 - 1;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function running(): { jobs: WorkerJobRegistry; id: string } {
  const jobs = new WorkerJobRegistry();
  return { jobs, id: jobs.create({ workerId: "w", message: "m" }).id };
}

/** After any end of waiting: no timer and no abort listener is left. */
function nothingLeft(signal: AbortSignal): void {
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(signal, "abort")).toEqual([]);
}

describe("awaiting a job", () => {
  const { signal } = new AbortController();

  it("that has ended resolves at once", async () => {
    const { jobs, id } = running();
    const ended = jobs.setResult(id);
    expect(await jobs.await(id, { timeoutMs: 5, signal })).toBe(ended);
    nothingLeft(signal);
  });

  it.each<[string, (jobs: WorkerJobRegistry, id: string) => unknown]>([
    ["succeeded", (jobs, id) => jobs.setResult(id)],
    ["failed", (jobs, id) => jobs.setError(id, { error: "x" })],
    ["canceled", (jobs, id) => jobs.cancel(id)],
  ])("resolves for all who wait when it has %s", async (status, end) => {
    const { jobs, id } = running();
    const waiting = [jobs.await(id), jobs.await(id, { timeoutMs: 5, signal })];
    end(jobs, id);
    for (const job of await Promise.all(waiting)) expect(job).toBe(jobs.get(id));
    expect(jobs.get(id)?.status).toBe(status);
    nothingLeft(signal);
  });

  it("waits through a queue and from within a handler", async () => {
    const jobs = new WorkerJobRegistry();
    let waiting: Promise<unknown> | undefined;
    jobs.onJobEvent((job, event) => {
      if (event === "created") waiting = jobs.await(job.id);
    });
    const { id } = jobs.create({ workerId: "w", message: "m", queued: true });
    jobs.start(id);
    const ended = jobs.setResult(id);
    expect(await waiting).toBe(ended);
  });

  it("resolves even when the finished job is not kept", async () => {
    const jobs = new WorkerJobRegistry({ maxFinished: 0 });
    const { id } = jobs.create({ workerId: "w", message: "m" });
    const waiting = jobs.await(id);
    jobs.setResult(id);
    expect((await waiting).status).toBe("succeeded");
  });
});

describe("waiting ends without the job", () => {
  it("after its time, and the job goes on", async () => {
    const { jobs, id } = running();
    const { signal } = new AbortController();
    const patient = jobs.await(id);
    const refused = errorFrom(() => jobs.await(id, { timeoutMs: 50, signal }));
    await vi.advanceTimersByTimeAsync(50);
    expect(await refused).toMatchObject({ code: "AWAIT_TIMEOUT" });
    nothingLeft(signal);
    expect(jobs.get(id)?.status).toBe("running");
    const ended = jobs.setResult(id);
    expect(await patient).toBe(ended);
  });

  it("when its signal is aborted, with the signal's reason", async () => {
    const { jobs, id } = running();
    const controller = new AbortController();
    const reason = new Error("left");
    const waiting = jobs.await(id, { signal: controller.signal, timeoutMs: 50 });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    nothingLeft(controller.signal);
    jobs.setResult(id);
  });

  it("before it begins, when the signal was aborted already", async () => {
    const { jobs, id } = running();
    await expect(jobs.await(id, { signal: AbortSignal.abort("left") })).rejects.toBe("left");
  });

  it.each([-1, Number.NaN, "5"])("when the time is %o", async (timeoutMs) => {
    const { jobs, id } = running();
    const error = await errorFrom(() => jobs.await(id, { timeoutMs: timeoutMs as number }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", path: "timeoutMs" });
  });

  it.each([MAX_DELAY_MS + 1, Number.POSITIVE_INFINITY])(
    "never by a time of %d ms, which is longer than a timer can hold",
    async (timeoutMs) => {
      const { jobs, id } = running();
      const waiting = jobs.await(id, { timeoutMs });
      await vi.advanceTimersByTimeAsync(1_000);
      const ended = jobs.setResult(id);
      expect(await waiting).toBe(ended);
    },
  );

  it("by a timer that does not keep the process alive", async () => {
    vi.useRealTimers();
    const { jobs, id } = running();
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    const before = timers();
    const waiting = jobs.await(id, { timeoutMs: 60_000 });
    expect(timers()).toBe(before);
    jobs.setResult(id);
    await waiting;
  });
});
