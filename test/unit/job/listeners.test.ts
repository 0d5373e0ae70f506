import { describe, expect, it } from "vitest";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { createIds } from "../../fixtures/ids.ts";

function setUp(onListenerError?: (error: unknown) => void) {
  const jobs = new WorkerJobRegistry({ createId: createIds(), ...(onListenerError && { onListenerError }) });
  const told: string[] = [];
  const record = (name: string) => jobs.onJobEvent((job, event) => told.push(`${name}: ${job.id} ${event}`));
  return { jobs, told, record };
}

const input = { workerId: "w", message: "m" };

describe("a handler", () => {
  it("hears everything until it is taken off, and being taken off twice is fine", () => {
    const { jobs, told, record } = setUp();
    const off = record("a");
    record("b");
    jobs.create(input);
    off();
    off();
    jobs.cancel("job-1");
    expect(told).toEqual(["a: job-1 created", "b: job-1 created", "b: job-1 canceled"]);
  });

  it("that subscribes twice is two subscriptions, each with its own end", () => {
    const jobs = new WorkerJobRegistry();
    let calls = 0;
    const handler = () => void calls++;
    const off = jobs.onJobEvent(handler);
    jobs.onJobEvent(handler);
    jobs.create(input);
    expect(calls).toBe(2);
    off();
    jobs.create(input);
    expect(calls).toBe(3);
  });

  it("taken off by another in the same event is not called any more", () => {
    const { jobs, told, record } = setUp();
    let off = () => {};
    jobs.onJobEvent(() => off());
    off = record("late");
    jobs.create(input);
    expect(told).toEqual([]);
  });

  it("that subscribes another for each event comes to an end", () => {
    const { jobs, told, record } = setUp();
    jobs.onJobEvent(function subscribe() {
      record("inner");
      jobs.onJobEvent(subscribe);
    });
    jobs.create(input);
    expect(told).toEqual([]);
    jobs.cancel("job-1");
    expect(told).toEqual(["inner: job-1 canceled"]);
  });
});

describe("a handler that fails", () => {
  it("reaches neither the caller nor another handler, and is counted and reported", () => {
    const reported: unknown[] = [];
    const { jobs, told, record } = setUp((error) => reported.push(error));
    const fault = new Error("listener");
    jobs.onJobEvent(() => {
      throw fault;
    });
    record("b");
    expect(jobs.create(input).status).toBe("running");
    expect(jobs.setResult("job-1").status).toBe("succeeded");
    expect(told).toEqual(["b: job-1 created", "b: job-1 completed"]);
    expect(jobs.listenerErrors).toBe(2);
    expect(reported).toEqual([fault, fault]);
  });

  it("may fail later: a rejection is counted, not left unhandled", async () => {
    const reported = Promise.withResolvers<unknown>();
    const { jobs } = setUp(reported.resolve);
    const fault = new Error("async listener");
    jobs.onJobEvent(async () => {
      throw fault;
    });
    jobs.onJobEvent(async () => {});
    jobs.create(input);
    expect(await reported.promise).toBe(fault);
    expect(jobs.listenerErrors).toBe(1);
  });

  it("is only counted when nobody asked, and when the one who asked throws too", () => {
    for (const hook of [
      undefined,
      () => {
        throw new Error("hook");
      },
    ]) {
      const { jobs, told, record } = setUp(hook);
      jobs.onJobEvent(() => {
        throw new Error("listener");
      });
      record("b");
      jobs.create(input);
      expect(jobs.listenerErrors).toBe(1);
      expect(told).toEqual(["b: job-1 created"]);
    }
  });
});

describe("a handler that changes jobs itself", () => {
  it("leaves every handler with each job's events in order", () => {
    const { jobs, told, record } = setUp();
    record("a");
    jobs.onJobEvent((job, event) => {
      if (event === "created" && job.id === "job-1") {
        jobs.updateProgress(job.id, { message: "m" });
        jobs.create(input);
        jobs.setResult(job.id);
        jobs.attachReport(job.id, { summary: "s" });
      }
    });
    record("c");
    jobs.create(input);
    const first = ["job-1 created", "job-1 progress", "job-1 completed", "job-1 reported"];
    for (const name of ["a", "c"]) {
      expect(told.filter((line) => line.startsWith(`${name}: job-1`))).toEqual(
        first.map((line) => `${name}: ${line}`),
      );
    }
  });

  it("finds another job's events delivered at once, so that it can rely on what they bring about", () => {
    const { jobs, told, record } = setUp();
    jobs.onJobEvent((job, event) => {
      if (job.id !== "job-1" || event !== "created") return;
      told.push("creating");
      jobs.create(input);
      jobs.setResult("job-2");
      told.push("settled");
    });
    record("b");
    jobs.create(input);
    expect(told).toEqual([
      "creating",
      "b: job-2 created",
      "b: job-2 completed",
      "settled",
      "b: job-1 created",
    ]);
  });

  it("may make job after job without end of the stack, each with its events in order", () => {
    const { jobs, told, record } = setUp();
    jobs.onJobEvent((job, event) => {
      const number = Number(job.id.slice("job-".length));
      if (event === "created" && number < 20_000) {
        const { id } = jobs.create(input);
        jobs.setResult(id);
      }
    });
    record("b");
    jobs.create(input);
    jobs.setResult("job-1");
    expect(jobs.listenerErrors).toBe(0);
    expect(told).toHaveLength(40_000);
    const places = new Map(told.map((line, place) => [line, place]));
    const place = (id: number, event: string) => places.get(`b: job-${id} ${event}`) ?? Number.NaN;
    for (let id = 1; id <= 20_000; id++) {
      if (!(place(id, "created") < place(id, "completed"))) expect.fail(`job-${id} is out of order`);
    }
  });

  it("hands each event the job as it was at that change", () => {
    const { jobs } = setUp();
    jobs.onJobEvent((job, event) => {
      if (event === "created") jobs.cancel(job.id);
    });
    const seen: string[] = [];
    jobs.onJobEvent((job) => seen.push(job.status));
    const created = jobs.create(input);
    expect(seen).toEqual(["running", "canceled"]);
    expect(created.status).toBe("running");
    expect(jobs.get(created.id)?.status).toBe("canceled");
  });
});
