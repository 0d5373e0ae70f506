import { describe, expect, it } from "vitest";
import type { JobEvent, JobEventType } from "../../../src/event/event.ts";
import { applyJobEvent, contradiction, type JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { JOB_STATUSES, type JobStatus } from "../../../src/job/job.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

function tell(...events: JobEvent[]): JobSnapshot | undefined {
  return events.reduce<JobSnapshot | undefined>((job, event) => applyJobEvent(job, event), undefined);
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("the job that its events tell of", () => {
  const story = [
    { ...jobEvent("orchestra.job.created", "j", { message: "build" }), traceparent },
    jobEvent("orchestra.job.started", "j", { queuedMs: 150 }),
    jobEvent("orchestra.job.progress", "j", { message: "half", percent: 50 }),
    jobEvent("orchestra.job.completed", "j", { responsePreview: "ok" }),
  ];

  it("gathers what each has said", () => {
    expect(tell(...story)).toMatchObject({
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
    expect(tell(...story.slice(0, 3))).toMatchObject({ message: "build", progress: { message: "half" } });
    expect(tell(story[2] as JobEvent)).not.toHaveProperty("message");
  });

  it("takes the newest trace context it was told", () => {
    const other = traceparent.replace("-01", "-00");
    expect(tell(...story, { ...(story[2] as JobEvent), traceparent: other })?.traceparent).toBe(other);
  });

  it("leaves what it was made of untouched", () => {
    const before = Object.freeze(tell(story[0] as JobEvent) as JobSnapshot);
    const event = Object.freeze(story[2] as JobEvent);
    const copy = structuredClone([before, event]);
    expect(applyJobEvent(before, event)).not.toBe(before);
    expect([before, event]).toEqual(copy);
  });

  it("hears a report after the end", () => {
    const report = { summary: "late" };
    expect(tell(...story, jobEvent("orchestra.job.reported", "j", { report }))?.report).toEqual(report);
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
