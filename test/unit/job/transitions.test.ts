import { describe, expect, it } from "vitest";
import { isTerminal, JOB_STATUSES, JOB_TRANSITIONS, type Job, type JobStatus } from "../../../src/job/job.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { createClock } from "../../fixtures/clock.ts";
import { EXPECTED_GOT, thrownBy } from "../../fixtures/thrown.ts";

/** How a job is brought into each state, and the call that is meant to bring it there. */
const REACH: Record<JobStatus, (jobs: WorkerJobRegistry, id: string) => unknown> = {
  queued: (jobs, id) => jobs.create({ id, workerId: "w", message: "m", queued: true }),
  running: (jobs, id) => jobs.start(id),
  succeeded: (jobs, id) => jobs.setResult(id, { responseText: "ok" }),
  failed: (jobs, id) => jobs.setError(id, { error: new TypeError("bad") }),
  canceled: (jobs, id) => jobs.cancel(id, { reason: "enough" }),
};

function jobIn(status: JobStatus): WorkerJobRegistry {
  const jobs = new WorkerJobRegistry({ now: createClock().now });
  REACH.queued(jobs, "j");
  if (status !== "queued") jobs.start("j");
  if (isTerminal(status)) REACH[status](jobs, "j");
  return jobs;
}

const pairs = JOB_STATUSES.flatMap((from) => JOB_STATUSES.map((to) => [from, to] as const));
const isAllowed = ([from, to]: readonly [JobStatus, JobStatus]) =>
  (JOB_TRANSITIONS[from] as readonly JobStatus[]).includes(to);
const changes = pairs.filter(([, to]) => to !== "queued");

describe("the transition table", () => {
  it("ends where nothing leads on", () => {
    expect(JOB_STATUSES.filter(isTerminal)).toEqual(["succeeded", "failed", "canceled"]);
  });
});

describe("a legal change", () => {
  it.each(changes.filter(isAllowed))("%s to %s is made and told", (from, to) => {
    const jobs = jobIn(from);
    const told: string[] = [];
    jobs.onJobEvent((job, event) => told.push(`${event}:${job.status}`));
    REACH[to](jobs, "j");
    expect(jobs.get("j")?.status).toBe(to);
    const kind = { running: "started", succeeded: "completed", failed: "failed", canceled: "canceled" }[
      to as Exclude<JobStatus, "queued">
    ];
    expect(told).toEqual([`${kind}:${to}`]);
  });
});

describe("an illegal change", () => {
  it.each(changes.filter((pair) => !isAllowed(pair)))("%s to %s changes nothing", (from, to) => {
    const jobs = jobIn(from);
    const told: Readonly<Job>[] = [];
    jobs.onJobEvent((job) => told.push(job));
    const before = structuredClone(jobs.list());
    const error = thrownBy(() => REACH[to](jobs, "j"));
    expect(error).toMatchObject({ code: "ILLEGAL_TRANSITION", path: "status" });
    expect(error.message).toMatch(EXPECTED_GOT);
    expect(error.message).toContain(`got \`${from}\` (string)`);
    expect(jobs.list()).toEqual(before);
    expect(told).toEqual([]);
  });

  it("names the states that would have allowed it", () => {
    expect(thrownBy(() => jobIn("failed").cancel("j")).message).toBe(
      "Expected `status` to be queued or running for job `j` to become canceled, got `failed` (string)",
    );
  });

  it.each(JOB_STATUSES.filter((status) => status !== "running"))("progress of a %s job", (status) => {
    const jobs = jobIn(status);
    const before = structuredClone(jobs.list());
    const error = thrownBy(() => jobs.updateProgress("j", { message: "on" }));
    expect(error).toMatchObject({ code: "ILLEGAL_TRANSITION", path: "status" });
    expect(error.message).toMatch(EXPECTED_GOT);
    expect(jobs.list()).toEqual(before);
  });

  it.each(JOB_STATUSES)("creating a %s job again", (status) => {
    const jobs = jobIn(status);
    const before = structuredClone(jobs.list());
    const error = thrownBy(() => REACH.queued(jobs, "j"));
    expect(error).toMatchObject({ code: "DUPLICATE_JOB", path: "id" });
    expect(error.message).toMatch(EXPECTED_GOT);
    expect(jobs.list()).toEqual(before);
  });
});
