import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrchestraError } from "../../../src/errors.ts";
import { JOB_TRANSITIONS, type Job, type JobEventKind, type JobStatus } from "../../../src/job/job.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";

/** What the registry is held to: each job's state, and what its handlers must have been told. */
interface Model {
  status: Map<string, JobStatus>;
  told: string[];
}

interface Real {
  jobs: WorkerJobRegistry;
  told: string[];
  seen: Readonly<Job>[];
}

const END: Partial<Record<JobStatus, JobEventKind>> = {
  succeeded: "completed",
  failed: "failed",
  canceled: "canceled",
};

/** Runs `call`, which must throw `code` exactly when one is given. */
function attempt(call: () => unknown, code: string | undefined): void {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  if (code === undefined) expect(thrown).toBeUndefined();
  else expect(thrown).toMatchObject({ constructor: OrchestraError, code });
}

function agree(model: Model, { jobs, told, seen }: Real): void {
  expect(told).toEqual(model.told);
  expect(new Map(jobs.list().map((job) => [job.id, job.status]))).toEqual(model.status);
  for (const job of seen) expect(job.durationMs ?? 0).toBeGreaterThanOrEqual(0);
}

type Command = fc.Command<Model, Real>;

function command(name: string, run: (model: Model, real: Real) => void): Command {
  return {
    check: () => true,
    run: (model, real) => {
      run(model, real);
      agree(model, real);
    },
    toString: () => name,
  };
}

const create = (id: string, queued: boolean): Command =>
  command(`create(${id}, queued: ${queued})`, (model, { jobs }) => {
    const isKnown = model.status.has(id);
    attempt(
      () => jobs.create({ id, workerId: "w", message: "m", queued }),
      isKnown ? "DUPLICATE_JOB" : undefined,
    );
    if (isKnown) return;
    model.status.set(id, queued ? "queued" : "running");
    model.told.push(`${id} created`);
  });

const change = (id: string, to: Exclude<JobStatus, "queued">): Command =>
  command(`${id} becomes ${to}`, (model, { jobs }) => {
    const from = model.status.get(id);
    const calls = {
      running: () => jobs.start(id),
      succeeded: () => jobs.setResult(id),
      failed: () => jobs.setError(id, { error: "x" }),
      canceled: () => jobs.cancel(id),
    };
    const isLegal = from !== undefined && (JOB_TRANSITIONS[from] as readonly JobStatus[]).includes(to);
    attempt(calls[to], from === undefined ? "UNKNOWN_JOB" : isLegal ? undefined : "ILLEGAL_TRANSITION");
    if (!isLegal) return;
    model.status.set(id, to);
    model.told.push(`${id} ${END[to] ?? "started"}`);
  });

const progress = (id: string, percent: number): Command =>
  command(`progress(${id}, ${percent})`, (model, { jobs }) => {
    const status = model.status.get(id);
    const isRunning = status === "running";
    const isValid = percent >= 0 && percent <= 100;
    const refusal =
      status === undefined ? "UNKNOWN_JOB" : isRunning ? "INVALID_ARGUMENT" : "ILLEGAL_TRANSITION";
    attempt(
      () => jobs.updateProgress(id, { message: "m", percent }),
      isRunning && isValid ? undefined : refusal,
    );
    if (isRunning && isValid) model.told.push(`${id} progress`);
  });

const report = (id: string): Command =>
  command(`report(${id})`, (model, { jobs }) => {
    const status = model.status.get(id);
    attempt(() => jobs.attachReport(id, { summary: "s" }), status === undefined ? "UNKNOWN_JOB" : undefined);
    if (status !== undefined && END[status] !== undefined) model.told.push(`${id} reported`);
  });

const ids = fc.constantFrom("a", "b", "c");
const commands = fc.commands(
  [
    fc.tuple(ids, fc.boolean()).map(([id, queued]) => create(id, queued)),
    fc
      .tuple(ids, fc.constantFrom("running", "succeeded", "failed", "canceled"))
      .map(([id, to]) => change(id, to as Exclude<JobStatus, "queued">)),
    fc
      .tuple(ids, fc.oneof(fc.double(), fc.constantFrom(0, 50, 100)))
      .map(([id, percent]) => progress(id, percent)),
    ids.map(report),
  ],
  { maxCommands: 40, size: "+1" },
);

/** Exactly one `created`, first; at most one end, and after it nothing but reports. */
function holdsInvariant(kinds: readonly string[]): void {
  expect(kinds.indexOf("created")).toBe(0);
  expect(kinds.lastIndexOf("created")).toBe(0);
  const ends = kinds.filter((kind) => ["completed", "failed", "canceled"].includes(kind));
  expect(ends.length).toBeLessThanOrEqual(1);
  const lastWords = ends.length === 0 ? [] : kinds.slice(kinds.indexOf(ends[0] as string) + 1);
  expect(lastWords.filter((kind) => kind !== "reported")).toEqual([]);
}

describe("whatever is called in whatever order", () => {
  it("the registry does what the transition table says, and each job's story is well-formed", () => {
    fc.assert(
      fc.property(commands, fc.array(fc.integer({ min: -1_000, max: 1_000 })), (sequence, clockSteps) => {
        let time = 1_000_000;
        const now = () => {
          time += clockSteps[time % Math.max(1, clockSteps.length)] ?? 1;
          return time;
        };
        const jobs = new WorkerJobRegistry({ now, maxFinishedAgeMs: Number.POSITIVE_INFINITY });
        const real: Real = { jobs, told: [], seen: [] };
        jobs.onJobEvent((job, event) => {
          real.told.push(`${job.id} ${event}`);
          real.seen.push(job);
        });
        fc.modelRun(() => ({ model: { status: new Map<string, JobStatus>(), told: [] }, real }), sequence);
        const stories = Map.groupBy(real.told, (line) => line.split(" ")[0]);
        for (const lines of stories.values()) holdsInvariant(lines.map((line) => line.split(" ")[1] ?? ""));
      }),
      { numRuns: 150 },
    );
  });
});
