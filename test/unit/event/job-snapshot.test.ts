import { describe, expect, it } from "vitest";
import { isJobEvent, type JobEvent, type JobEventType } from "../../../src/event/event.ts";
import { applyJobEvent, contradiction, type JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { JOB_STATUSES, type JobStatus } from "../../../src/job/job.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { hostileRecords } from "../../fixtures/hostile-events.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

function tell(...events: JobEvent[]): JobSnapshot | undefined {
  return events.reduce<JobSnapshot | undefined>((job, event) => applyJobEvent(job, event), undefined);
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const story = (): JobEvent[] => [
  { ...jobEvent("orchestra.job.created", "j", { message: "build" }), traceparent } as JobEvent,
  jobEvent("orchestra.job.started", "j", { queuedMs: 150 }),
  jobEvent("orchestra.job.progress", "j", { message: "half", percent: 50 }),
  jobEvent("orchestra.job.completed", "j", { responsePreview: "ok", revision: 3 }),
];

describe("the job that its events tell of", () => {
  it("gathers what each has said", () => {
    expect(tell(...story())).toMatchObject({
      jobId: "j",
      status: "succeeded",
      message: "build",
      queuedMs: 150,
      progress: { message: "half", percent: 50 },
      responsePreview: "ok",
      durationMs: 4_200,
      revision: 3,
      updatedAt: START_MS,
      traceparent,
    });
  });

  it("does not take the words of its progress for its task", () => {
    expect(tell(...story().slice(0, 3))).toMatchObject({ message: "build", progress: { message: "half" } });
    expect(tell(story()[2] as JobEvent)).not.toHaveProperty("message");
  });

  it("takes the newest trace context it was told", () => {
    const other = traceparent.replace("-01", "-00");
    expect(tell(...story(), { ...(story()[2] as JobEvent), traceparent: other })?.traceparent).toBe(other);
  });

  it("leaves what it was made of untouched", () => {
    const before = Object.freeze(tell(story()[0] as JobEvent) as JobSnapshot);
    const event = Object.freeze(story()[2] as JobEvent);
    const copy = structuredClone([before, event]);
    expect(applyJobEvent(before, event)).not.toBe(before);
    expect([before, event]).toEqual(copy);
  });

  it("hears a report after the end", () => {
    const report = { summary: "late" };
    expect(tell(...story(), jobEvent("orchestra.job.reported", "j", { report }))?.report).toEqual(report);
  });
});

describe("a job holds only fields that its events can have, each of its type", () => {
  const junk = { progress: { percent: 1e4, message: {} }, blob: "x".repeat(1_000_000), finishedAt: "never" };

  it("whatever else an event carries", () => {
    const created = jobEvent("orchestra.job.created", "j");
    const job = tell({ ...created, data: { ...created.data, ...junk } } as JobEvent);
    expect(job).toEqual(tell(created));
    const progress = jobEvent("orchestra.job.progress", "j", { percent: 50 });
    const later = applyJobEvent(job, { ...progress, data: { ...progress.data, ...junk } } as JobEvent);
    expect(later.progress).toMatchObject({ percent: 50 });
    expect(later).not.toHaveProperty("blob");
    expect(later).not.toHaveProperty("finishedAt");
  });

  it("also inside a report and a workflow", () => {
    const completed = jobEvent("orchestra.job.completed", "j");
    const nested = { report: { summary: "s", blob: 1 }, workflow: { runId: "r", blob: 1 } };
    const job = tell({ ...completed, data: { ...completed.data, ...nested } } as unknown as JobEvent);
    expect(job).toMatchObject({ report: { summary: "s" }, workflow: { runId: "r" } });
    expect(JSON.stringify(job)).not.toContain("blob");
  });

  it("and leaves out fields of another type, but not those beside them", () => {
    const progress = jobEvent("orchestra.job.progress", "j", { message: "half", stage: "compile" });
    const bad = { percent: -5, current: "3", total: Number.NaN, status: "dancing", sessionId: 7, attempt: 2 };
    const job = tell({ ...progress, data: { ...progress.data, ...bad } } as unknown as JobEvent);
    expect(job).toMatchObject({
      status: "running",
      attempt: 2,
      progress: { message: "half", stage: "compile" },
    });
    for (const field of ["percent", "current", "total"] as const)
      expect(job?.progress?.[field]).toBeUndefined();
    expect(job?.sessionId).toBeUndefined();
  });

  it("and always those that every job has", () => {
    for (const data of [
      { jobId: "j" },
      { jobId: "j", workerId: 7, startedAt: "now", status: null, message: [] },
    ]) {
      for (const type of [
        "orchestra.job.created",
        "orchestra.job.progress",
        "orchestra.job.failed",
      ] as const) {
        expect(tell({ ...jobEvent(type, "j"), data } as unknown as JobEvent)).toMatchObject({
          jobId: "j",
          workerId: "worker:unknown",
          status: "running",
          revision: 0,
          startedAt: START_MS,
          updatedAt: START_MS,
        });
      }
    }
    const timeless = { ...jobEvent("orchestra.job.progress", "j"), timestamp: "now", traceparent: 7 };
    const alone = tell(timeless as unknown as JobEvent);
    expect(alone).toMatchObject({ updatedAt: 0 });
    expect(alone).not.toHaveProperty("traceparent");
    expect(tell(...story(), timeless as unknown as JobEvent)).toMatchObject({
      updatedAt: START_MS,
      traceparent,
    });
  });

  it("whatever a hostile program puts into its events", () => {
    for (const { event } of hostileRecords()) {
      if (!isJobEvent(event) || typeof event.data?.jobId !== "string") continue;
      const job = tell(event) as JobSnapshot;
      expect(JOB_STATUSES).toContain(job.status);
      expect([typeof job.workerId, typeof job.startedAt]).toEqual(["string", "number"]);
    }
  });
});

describe("the texts of a job", () => {
  it("are cut, as its events hold them whole", () => {
    const long = "x".repeat(60_000);
    const report = {
      summary: long,
      details: long,
      issues: Array.from({ length: 1_000 }, () => "y".repeat(50)),
    };
    const job = tell(
      jobEvent("orchestra.job.created", "j", { message: long }),
      jobEvent("orchestra.job.progress", "j", { message: long }),
      jobEvent("orchestra.job.failed", "j", { error: long, report }),
    ) as JobSnapshot;
    for (const text of [
      job.message,
      job.progress?.message,
      job.error,
      job.report?.summary,
      job.report?.details,
    ]) {
      expect(text).toHaveLength(4_096);
      expect(text).toMatch(/^x+…$/);
    }
    expect(job.report?.issues).toHaveLength(20);
  });

  it("are cut although they are longer than an event from outside may be", () => {
    const job = tell(jobEvent("orchestra.job.created", "j", { message: "x".repeat(100_000) }));
    expect(job?.message).toHaveLength(4_096);
  });

  it("are not cut within a character", () => {
    const job = tell(jobEvent("orchestra.job.created", "j", { message: `${"x".repeat(4_094)}😀 and more` }));
    expect(job?.message).toBe(`${"x".repeat(4_094)}…`);
  });
});

describe("contradiction", () => {
  const events: Record<string, JobEvent> = {
    created: jobEvent("orchestra.job.created", "j"),
    started: jobEvent("orchestra.job.started", "j"),
    progress: jobEvent("orchestra.job.progress", "j"),
    completed: jobEvent("orchestra.job.completed", "j"),
    failed: jobEvent("orchestra.job.failed", "j"),
    canceled: jobEvent("orchestra.job.canceled", "j"),
    reported: jobEvent("orchestra.job.reported", "j", { status: "succeeded" }),
  };

  it.each<[JobStatus, string[]]>([
    ["queued", ["started", "progress", "failed", "canceled"]],
    ["running", ["progress", "completed", "failed", "canceled"]],
    ["succeeded", ["reported"]],
    ["failed", []],
    ["canceled", []],
  ])("a %s job can only be followed by %j", (status, allowed) => {
    const fitting = Object.keys(events).filter(
      (kind) => contradiction(status, events[kind] as JobEvent) === undefined,
    );
    expect(fitting).toEqual(allowed);
  });

  it("names the job and what it is", () => {
    const said = JOB_STATUSES.flatMap((status) =>
      Object.values(events).map((event) => contradiction(status, event)),
    );
    for (const words of said.filter((text) => text !== undefined)) expect(words).toMatch(/^job j /);
    expect(contradiction("failed", events.progress as JobEvent)).toBe("job j has ended (failed)");
  });

  it("cannot be in what follows the unknown", () => {
    for (const event of Object.values(events)) expect(contradiction(undefined, event)).toBeUndefined();
  });

  it("never arises in a story that a job can have", () => {
    const types: JobEventType[] = [
      "orchestra.job.created",
      "orchestra.job.started",
      "orchestra.job.progress",
      "orchestra.job.completed",
      "orchestra.job.reported",
    ];
    let job: JobSnapshot | undefined;
    for (const type of types) {
      const event = jobEvent(type, "j");
      expect(contradiction(job?.status, event)).toBeUndefined();
      job = applyJobEvent(job, event);
    }
  });
});
