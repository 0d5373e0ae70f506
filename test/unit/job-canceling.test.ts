import { describe, expect, it } from "vitest";
import type { JobSnapshot } from "../../src/event/job-snapshot.ts";
import type { CancelRequest } from "../../src/event-log/sqlite-cancel-requests.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { type CancelingParts, type CancelJob, connectCanceling } from "../../src/job-canceling.ts";
import { thrownBy } from "../fixtures/thrown.ts";

/** Others that run some jobs. */
function others(...jobIds: string[]) {
  const asked: CancelRequest[] = [];
  const ask = (jobId: string, reason: string | undefined) => {
    if (jobIds.includes(jobId)) asked.push({ jobId, reason });
    return jobIds.includes(jobId);
  };
  let told = (_request: CancelRequest) => {};
  const watch = (handler: typeof told) => {
    told = handler;
  };
  return { asked, ask, watch, tell: (request: CancelRequest) => told(request) };
}

function connect(parts: Partial<CancelingParts>): CancelJob {
  const { registry = new WorkerJobRegistry(), jobs = { get: () => undefined }, requests } = parts;
  return connectCanceling({ registry, jobs, requests });
}

function registryWith(id: string) {
  const registry = new WorkerJobRegistry();
  registry.create({ id, workerId: "w", message: "m" });
  return registry;
}

describe("canceling a job", () => {
  it("is done here when it runs here, whoever else claims to run it", () => {
    const registry = registryWith("a");
    const requests = others("a");
    connect({ registry, requests })("a", "why");
    expect([registry.get("a")?.status, requests.asked]).toEqual(["canceled", []]);
  });

  it("is asked of another process where ours of the same id has ended, and refused without one", () => {
    const registry = registryWith("a");
    registry.setResult("a");
    const requests = others("a");
    connect({ registry, requests })("a", "why");
    expect(requests.asked).toEqual([{ jobId: "a", reason: "why" }]);
    const cancel = connect({ registry, requests: others() });
    expect(thrownBy(() => cancel("a", "why"))).toMatchObject({ code: "ILLEGAL_TRANSITION" });
  });

  it("is asked of the process that runs it", () => {
    const requests = others("b");
    connect({ registry: registryWith("a"), requests })("b", undefined);
    expect(requests.asked).toEqual([{ jobId: "b", reason: undefined }]);
  });

  it.each([
    ["succeeded", "ILLEGAL_TRANSITION"],
    ["running", "UNKNOWN_JOB"],
    [undefined, "UNKNOWN_JOB"],
  ] as const)("is refused when nobody runs it that can be asked: %s", (status, code) => {
    const jobs = { get: () => status && ({ status } as JobSnapshot) };
    for (const requests of [undefined, others()]) {
      const cancel = connect({ jobs, requests });
      expect(thrownBy(() => cancel("b", "why"))).toMatchObject({ code });
    }
  });

  it("is refused, with the reason, when the other cannot be asked", () => {
    const ask = () => {
      throw new Error("database is locked");
    };
    const cancel = connect({ requests: { ...others(), ask } });
    expect(thrownBy(() => cancel("b", "why"))).toMatchObject({
      code: "UNAVAILABLE",
      message: "The process that runs the job cannot be asked now: database is locked",
    });
  });
});

describe("a request of another process", () => {
  it("cancels the job, and is nobody's trouble when that has ended or is in another registry", () => {
    const registry = registryWith("a");
    const requests = others();
    connect({ registry, requests });
    for (const reason of ["first", "second"]) requests.tell({ jobId: "a", reason });
    requests.tell({ jobId: "observed", reason: undefined });
    expect(registry.get("a")).toMatchObject({ status: "canceled", reason: "first" });
  });
});
