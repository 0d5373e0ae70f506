import { describe, expect, it } from "vitest";
import type { JobReport } from "../../../src/job/job.ts";
import type { CreateJobInput, JobProgressInput } from "../../../src/job/job-input.ts";
import { type JobListFilter, WorkerJobRegistry } from "../../../src/job/registry.ts";
import { createClock } from "../../fixtures/clock.ts";
import { EXPECTED_GOT, errorFrom, thrownBy } from "../../fixtures/thrown.ts";

function busyRegistry(): WorkerJobRegistry {
  const jobs = new WorkerJobRegistry({ now: createClock().now });
  jobs.create({ id: "open", workerId: "w", message: "m" });
  jobs.updateProgress("open", { message: "half", percent: 50 });
  jobs.create({ id: "ended", workerId: "w", message: "m" });
  jobs.setResult("ended", { responseText: "ok", report: { summary: "s" } });
  return jobs;
}

/** Makes the call, and holds it to what every bad call must do. */
function refused(call: (jobs: WorkerJobRegistry) => unknown, code = "INVALID_ARGUMENT"): string | undefined {
  const jobs = busyRegistry();
  const told: unknown[] = [];
  jobs.onJobEvent((...event) => told.push(event));
  const before = structuredClone(jobs.list());
  const error = thrownBy(() => call(jobs));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(EXPECTED_GOT);
  expect(error.message).toContain(`Expected \`${error.path}\``);
  expect(jobs.list()).toEqual(before);
  expect(told).toEqual([]);
  return error.path;
}

const asInput = (value: unknown) => value as CreateJobInput;
const asProgress = (value: unknown) => value as JobProgressInput;
const asReport = (value: unknown) => value as JobReport;

describe("create refuses", () => {
  const valid = { workerId: "w", message: "m" };
  it.each<[string, unknown]>([
    ["input", undefined],
    ["input", null],
    ["input", "w"],
    ["input", []],
    ["workerId", {}],
    ["workerId", { ...valid, workerId: "" }],
    ["workerId", { ...valid, workerId: 7 }],
    ["message", { ...valid, message: undefined }],
    ["id", { ...valid, id: "" }],
    ["id", { ...valid, id: 7 }],
    ["sessionId", { ...valid, sessionId: null }],
    ["requestedBy", { ...valid, requestedBy: 1n }],
    ["parentJobId", { ...valid, parentJobId: {} }],
    ["traceparent", { ...valid, traceparent: "" }],
    ["traceparent", { ...valid, traceparent: "garbage" }],
    ["traceparent", { ...valid, traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }],
    ["traceparent", { ...valid, traceparent: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] }],
    ["workflow", { ...valid, workflow: "run" }],
    ["workflow.runId", { ...valid, workflow: {} }],
    ["workflow.stepId", { ...valid, workflow: { runId: "r", stepId: 1 } }],
    ["attempt", { ...valid, attempt: 0 }],
    ["attempt", { ...valid, attempt: 1.5 }],
    ["attempt", { ...valid, attempt: 2 ** 53 }],
    ["attempt", { ...valid, attempt: "1" }],
    ["queued", { ...valid, queued: "yes" }],
  ])("a bad `%s`: %o", (path, input) => {
    expect(refused((jobs) => jobs.create(asInput(input)))).toBe(path);
  });
});

describe("updateProgress refuses", () => {
  it.each<[string, unknown]>([
    ["progress", undefined],
    ["progress", "half"],
    ["message", { percent: 5 }],
    ...[Number.NaN, -1, 101, "5", Number.POSITIVE_INFINITY, null, 5n].map((percent): [string, unknown] => [
      "percent",
      { message: "m", percent },
    ]),
    ["current", { message: "m", current: -1 }],
    ["current", { message: "m", current: Number.NaN }],
    ["total", { message: "m", total: "3" }],
    ["total", { message: "m", total: Number.POSITIVE_INFINITY }],
    ["unit", { message: "m", unit: 3 }],
    ["stage", { message: "m", stage: null }],
  ])("a bad `%s`: %o", (path, progress) => {
    expect(refused((jobs) => jobs.updateProgress("open", asProgress(progress)))).toBe(path);
  });
});

const badReports: [string, unknown][] = [
  ["report", "text"],
  ["report", null],
  ["report", ["text"]],
  ["report.summary", { summary: 1 }],
  ["report.details", { details: {} }],
  ["report.notes", { notes: [] }],
  ["report.issues", { issues: "one" }],
  ["report.issues", { issues: ["one", 2] }],
];

describe.each<[string, (jobs: WorkerJobRegistry, report: JobReport) => unknown]>([
  ["setResult", (jobs, report) => jobs.setResult("open", { report })],
  ["setError", (jobs, report) => jobs.setError("open", { error: "x", report })],
  ["cancel", (jobs, report) => jobs.cancel("open", { report })],
  ["attachReport before the end", (jobs, report) => jobs.attachReport("open", report)],
  ["attachReport after the end", (jobs, report) => jobs.attachReport("ended", report)],
])("%s refuses", (_name, call) => {
  it.each(badReports)("a bad `%s`: %o", (path, report) => {
    expect(refused((jobs) => call(jobs, asReport(report)))).toBe(path);
  });
});

describe("the ends refuse", () => {
  it.each<[string, (jobs: WorkerJobRegistry) => unknown]>([
    ["result", (jobs) => jobs.setResult("open", null as never)],
    ["responseText", (jobs) => jobs.setResult("open", { responseText: 5 } as never)],
    ["failure", (jobs) => jobs.setError("open", "boom" as never)],
    ["errorType", (jobs) => jobs.setError("open", { error: "x", errorType: 5 } as never)],
    ["cancellation", (jobs) => jobs.cancel("open", "stop" as never)],
    ["reason", (jobs) => jobs.cancel("open", { reason: 5 } as never)],
  ])("a bad `%s`", (path, call) => {
    expect(refused(call)).toBe(path);
  });
});

describe("an unknown id", () => {
  const calls: [string, (jobs: WorkerJobRegistry, id: string) => unknown][] = [
    ["start", (jobs, id) => jobs.start(id)],
    ["updateProgress", (jobs, id) => jobs.updateProgress(id, { message: "m" })],
    ["setResult", (jobs, id) => jobs.setResult(id)],
    ["setError", (jobs, id) => jobs.setError(id, { error: "x" })],
    ["cancel", (jobs, id) => jobs.cancel(id)],
    ["attachReport", (jobs, id) => jobs.attachReport(id, {})],
  ];
  it.each(calls)("is refused by %s", (_name, call) => {
    for (const id of ["nobody", "", undefined, 7, Symbol("id"), Object.create(null)]) {
      expect(refused((jobs) => call(jobs, id as string), "UNKNOWN_JOB")).toBe("id");
    }
  });

  it("is refused by await, as a rejection", async () => {
    const error = await errorFrom(() => busyRegistry().await("nobody"));
    expect(error).toMatchObject({ code: "UNKNOWN_JOB", path: "id" });
    expect(error.message).toMatch(EXPECTED_GOT);
  });
});

describe("reading refuses", () => {
  it.each<[string, JobListFilter]>([
    ["status", { status: "done" as never }],
    ["limit", { limit: -1 }],
    ["limit", { limit: Number.NaN }],
    ["limit", { limit: "5" as never }],
  ])("a bad `%s`: %o", (path, filter) => {
    expect(refused((jobs) => jobs.list(filter))).toBe(path);
  });

  it("a handler that is no function", () => {
    expect(refused((jobs) => jobs.onJobEvent("handler" as never))).toBe("handler");
  });
});

describe("the registry's options", () => {
  it.each(["maxFinished", "maxFinishedAgeMs"])("`%s` is a number from 0", (option) => {
    for (const value of [-1, Number.NaN, "5"]) {
      expect(thrownBy(() => new WorkerJobRegistry({ [option]: value }))).toMatchObject({
        code: "INVALID_ARGUMENT",
        path: option,
      });
    }
  });
});
