import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Job, JobEventHandler } from "../../../src/job/job.ts";
import { WorkerJobRegistry, type WorkerJobRegistryOptions } from "../../../src/job/registry.ts";
import { createJobRunner, type RunContext, type RunInput } from "../../../src/lifecycle/run.ts";
import { createIds } from "../../fixtures/ids.ts";
import { errorFrom } from "../../fixtures/thrown.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const input = { workerId: "w", message: "m" };

class CountedRegistry extends WorkerJobRegistry {
  readonly listeners = new Set<() => void>();

  override onJobEvent(handler: JobEventHandler): () => void {
    const off = super.onJobEvent(handler);
    this.listeners.add(off);
    return () => {
      off();
      this.listeners.delete(off);
    };
  }
}

function setUp(options: WorkerJobRegistryOptions = {}) {
  const jobs = new CountedRegistry({ createId: createIds(), ...options });
  const told: string[] = [];
  jobs.onJobEvent((job, event) => told.push(`${job.id} ${event}`));
  const entered: string[] = [];
  const runner = createJobRunner(jobs, {
    within: (jobId, fn) => {
      entered.push(jobId);
      return fn();
    },
    traceparent: (jobId) => `traceparent of ${jobId}`,
  });
  return { jobs, told, entered, runner, run: runner.run, listeners: () => jobs.listeners.size };
}

/** Work that ends only by its signal, as a child process or a fetch would. */
function untilAborted(_job: Readonly<Job>, { signal }: RunContext): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the work noticed")));
  });
}

describe("work that returns", () => {
  it("completes its job; a text is its response", async () => {
    const { jobs, run, told } = setUp();
    const { signal } = new AbortController();
    expect(await run({ ...input, sessionId: "s", timeoutMs: 50, signal }, async () => "done")).toBe("done");
    expect(jobs.get("job-1")).toMatchObject({ status: "succeeded", responseText: "done", sessionId: "s" });
    expect(told).toEqual(["job-1 created", "job-1 completed"]);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it.each([undefined, 7, { a: 1 }])(
    "may return %o, which is handed on and is no response",
    async (result) => {
      const { jobs, run } = setUp();
      expect(await run(input, () => result)).toBe(result);
      expect(jobs.get("job-1")).toMatchObject({ status: "succeeded", responseText: undefined });
    },
  );

  it("is run inside its job's span, and can hand its trace context on", async () => {
    const { run, entered } = setUp();
    await run(input, (job, { traceparent }) => {
      expect(entered).toEqual([job.id]);
      expect(traceparent).toBe("traceparent of job-1");
    });
  });

  it("may settle its job itself", async () => {
    const { jobs, run, told } = setUp();
    const work = (job: Readonly<Job>) => {
      jobs.setResult(job.id, { responseText: "its own", report: { summary: "s" } });
      return "ignored";
    };
    expect(await run(input, work)).toBe("ignored");
    expect(jobs.get("job-1")?.responseText).toBe("its own");
    expect(told).toEqual(["job-1 created", "job-1 completed"]);
  });
});

describe("work that throws", () => {
  it.each([
    ["at once", () => Promise.resolve().then.call(undefined as never), "TypeError"],
    ["later", () => Promise.reject(new RangeError("late")), "RangeError"],
  ])("%s fails its job, and the caller gets what it threw", async (_when, work, errorType) => {
    const { jobs, run } = setUp();
    const thrown = await run({ ...input, timeoutMs: 50 }, work).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: errorType });
    expect(jobs.get("job-1")).toMatchObject({
      status: "failed",
      errorType,
      error: (thrown as Error).message,
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("may throw anything", async () => {
    const { jobs, run } = setUp();
    await expect(run(input, () => Promise.reject("just text"))).rejects.toBe("just text");
    expect(jobs.get("job-1")).toMatchObject({ error: "just text", errorType: "_OTHER" });
  });
});

describe("progress", () => {
  it("is a text or all that a job can report, and may be taken apart from its context", async () => {
    const { jobs, run } = setUp();
    await run(input, (job, { progress }) => {
      progress("half");
      expect(jobs.get(job.id)?.progress?.message).toBe("half");
      progress({ message: "most", percent: 90, unit: "files" });
      expect(jobs.get(job.id)?.progress).toMatchObject({ message: "most", percent: 90, unit: "files" });
    });
  });

  it("that cannot be is refused to the work's face", async () => {
    const { jobs, run } = setUp();
    const error = await errorFrom(() =>
      run(input, (_job, { progress }) => progress({ message: "m", percent: 101 })),
    );
    expect(error.path).toBe("percent");
    expect(jobs.get("job-1")).toMatchObject({ status: "failed", errorType: "OrchestraError" });
  });

  it("after the end is ignored", async () => {
    const { run, told } = setUp({ maxFinished: 0 });
    const kept = await run(input, (_job, { progress }) => progress);
    kept("too late");
    expect(told).toEqual(["job-1 created", "job-1 completed"]);
  });
});

describe("a caller's signal", () => {
  it("cancels the job, and the caller gets its reason without waiting for the work", async () => {
    const { jobs, run, told } = setUp();
    const controller = new AbortController();
    const running = run({ ...input, signal: controller.signal }, () => new Promise(() => {}));
    const reason = new Error("no longer needed");
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(jobs.get("job-1")).toMatchObject({ status: "canceled", reason: "no longer needed" });
    expect(told).toEqual(["job-1 created", "job-1 canceled"]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("reaches the work", async () => {
    const { run } = setUp();
    const controller = new AbortController();
    const seen: unknown[] = [];
    const running = run({ ...input, signal: controller.signal }, (_job, { signal }) => {
      signal.addEventListener("abort", () => seen.push(signal.reason));
      return new Promise(() => {});
    });
    controller.abort("stop");
    await expect(running).rejects.toBe("stop");
    expect(seen).toEqual(["stop"]);
  });

  it("aborted before makes no job", async () => {
    const { jobs, run } = setUp();
    await expect(run({ ...input, signal: AbortSignal.abort("early") }, () => "x")).rejects.toBe("early");
    expect(jobs.list()).toEqual([]);
  });

  it("aborted as the job was created runs no work", async () => {
    const { jobs, run } = setUp();
    const controller = new AbortController();
    jobs.onJobEvent(() => controller.abort("at once"));
    const work = vi.fn();
    await expect(run({ ...input, signal: controller.signal }, work)).rejects.toBe("at once");
    expect(work).not.toHaveBeenCalled();
    expect(jobs.get("job-1")).toMatchObject({ status: "canceled", reason: "at once" });
  });
});

describe("registry.cancel", () => {
  it("aborts the work with its reason, and the caller gets an AbortError", async () => {
    const { jobs, run, told } = setUp();
    const running = run(input, untilAborted);
    jobs.cancel("job-1", { reason: "by the operator" });
    await expect(running).rejects.toMatchObject({ name: "AbortError", message: "by the operator" });
    expect(told).toEqual(["job-1 created", "job-1 canceled"]);
  });

  it("needs no reason", async () => {
    const { jobs, run } = setUp();
    const running = run(input, untilAborted);
    jobs.cancel("job-1");
    await expect(running).rejects.toMatchObject({ message: "The job was canceled" });
  });

  it("as the job is created runs no work, kept in the registry or not", async () => {
    for (const maxFinished of [1, 0]) {
      const { jobs, run } = setUp({ maxFinished });
      jobs.onJobEvent((job, event) => {
        if (event === "created") jobs.cancel(job.id, { reason: "not admitted" });
      });
      const work = vi.fn();
      await expect(run(input, work)).rejects.toMatchObject({ name: "AbortError" });
      expect(work).not.toHaveBeenCalled();
    }
  });

  it("of a later job with the same id does not reach work that has ended", async () => {
    const { jobs, run } = setUp({ maxFinished: 0 });
    const ended = await run({ ...input, id: "j" }, (_job, { signal }) => signal);
    jobs.create({ ...input, id: "j" });
    jobs.cancel("j");
    expect(ended.aborted).toBe(false);
  });

  it("of a job that somebody else runs reaches nobody's work", async () => {
    const { jobs, run } = setUp();
    const other = jobs.create(input);
    const aborted = run(input, async (_job, { signal }) => {
      jobs.cancel(other.id);
      return signal.aborted;
    });
    expect(await aborted).toBe(false);
  });
});

describe("a runner that was stopped", () => {
  it("makes no job any more", async () => {
    const { jobs, run, runner } = setUp();
    runner.stop();
    expect((await errorFrom(() => run(input, () => {}))).code).toBe("CLOSED");
    expect(jobs.list()).toEqual([]);
  });

  it("still hears that work under way is canceled, and lets go of the registry when all has ended", async () => {
    const { jobs, runner, run, listeners } = setUp();
    const before = listeners();
    const running = run(input, untilAborted);
    runner.stop();
    runner.stop();
    expect(listeners()).toBe(before);
    jobs.cancel("job-1", { reason: "late" });
    await expect(running).rejects.toMatchObject({ name: "AbortError", message: "late" });
    expect(listeners()).toBe(before - 1);
  });

  it("lets go at once when nothing runs", async () => {
    const { runner, run, listeners } = setUp();
    const before = listeners();
    await run(input, () => {});
    runner.stop();
    expect(listeners()).toBe(before - 1);
  });
});

describe("a time budget", () => {
  it("fails the job as a timeout, and reaches the work", async () => {
    const { jobs, run } = setUp();
    const refused = errorFrom(() => run({ ...input, timeoutMs: 50 }, untilAborted));
    await vi.advanceTimersByTimeAsync(49);
    expect(jobs.get("job-1")?.status).toBe("running");
    await vi.advanceTimersByTimeAsync(1);
    expect(await refused).toMatchObject({ code: "JOB_TIMEOUT", message: "Time budget of 50 ms exceeded" });
    expect(jobs.get("job-1")).toMatchObject({ status: "failed", errorType: "timeout" });
  });

  it("is of no matter once somebody else has settled the job", async () => {
    const { jobs, run } = setUp();
    const release = Promise.withResolvers<string>();
    const running = run({ ...input, timeoutMs: 50 }, async (job, { signal }) => {
      jobs.setResult(job.id, { responseText: "early" });
      const late = await release.promise;
      return `${late}, aborted: ${signal.aborted}`;
    });
    await vi.advanceTimersByTimeAsync(50);
    release.resolve("late");
    expect(await running).toBe("late, aborted: false");
    expect(jobs.get("job-1")).toMatchObject({ status: "succeeded", responseText: "early" });
  });

  it("may cancel the job instead", async () => {
    const { jobs, run, told } = setUp();
    const refused = errorFrom(() => run({ ...input, timeoutMs: 50, onTimeout: "cancel" }, untilAborted));
    await vi.advanceTimersByTimeAsync(50);
    expect((await refused).code).toBe("JOB_TIMEOUT");
    expect(jobs.get("job-1")).toMatchObject({ status: "canceled", reason: "Time budget of 50 ms exceeded" });
    expect(told).toEqual(["job-1 created", "job-1 canceled"]);
  });

  it.each([2 ** 31, Number.POSITIVE_INFINITY])("of %d ms never ends", async (timeoutMs) => {
    const { run } = setUp();
    const release = Promise.withResolvers<string>();
    const running = run({ ...input, timeoutMs }, () => release.promise);
    await vi.advanceTimersByTimeAsync(1_000);
    release.resolve("in time");
    expect(await running).toBe("in time");
  });
});

describe("a job run inside another's work", () => {
  it("is its child, through any awaiting, unless it names another parent", async () => {
    const { jobs, run } = setUp();
    await run(input, async () => {
      await Promise.resolve();
      await Promise.all([
        run(input, async () => run({ ...input, parentJobId: undefined }, () => {})),
        run({ ...input, parentJobId: "elsewhere" }, () => {}),
      ]);
    });
    await run(input, () => {});
    const parents = Object.fromEntries(jobs.list().map((job) => [job.id, job.parentJobId]));
    expect(parents).toEqual({
      "job-1": undefined,
      "job-2": "job-1",
      "job-3": "job-2",
      "job-4": "elsewhere",
      "job-5": undefined,
    });
  });

  it("is no child of a job that another runner runs", async () => {
    const [outer, inner] = [setUp(), setUp()];
    await outer.run(input, () => inner.run(input, () => {}));
    expect(inner.jobs.get("job-1")?.parentJobId).toBeUndefined();
  });
});

describe("what cannot be run makes no job", () => {
  it.each<[string, Partial<RunInput>]>([
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["timeoutMs", { timeoutMs: "50" as never }],
    ["workerId", { workerId: "" }],
  ])("a bad `%s`: %o", async (path, changes) => {
    const { jobs, run } = setUp();
    const error = await errorFrom(() => run({ ...input, ...changes }, () => {}));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", path });
    expect(jobs.list()).toEqual([]);
  });

  it("work that is no function", async () => {
    const { jobs, run } = setUp();
    expect((await errorFrom(() => run(input, "work" as never))).path).toBe("work");
    expect(jobs.list()).toEqual([]);
  });
});
