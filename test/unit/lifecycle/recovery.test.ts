import { describe, expect, it } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { EventLog } from "../../../src/event/event-log.ts";
import { applyJobEvent, type JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import type { JobStory } from "../../../src/lifecycle/job-story.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { recoverJobs } from "../../../src/lifecycle/recovery.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

const NOW = START_MS + 60_000;

async function logOf(...events: OrchestratorEvent[]): Promise<EventLog> {
  const log = createMemoryEventLog();
  await log.append(events.map((event) => encodeEvent(event)));
  return log;
}

async function recover(log: EventLog, ...jobIds: string[]) {
  const published: OrchestratorEvent[] = [];
  const stories: JobStory[] = [];
  const publish = (event: OrchestratorEvent) => void published.push(event);
  const onRecovered = (story: JobStory) => void stories.push(story);
  const recovered = await recoverJobs(jobIds, { log, publish, onRecovered, now: () => NOW });
  return { recovered, published, stories };
}

const created = jobEvent("orchestra.job.created", "j", {
  revision: 0,
  status: "running",
  startedAt: START_MS - 500,
});
const progress = jobEvent("orchestra.job.progress", "j", { revision: 1, startedAt: START_MS - 500 });

describe("recoverJobs", () => {
  it("ends a job as interrupted, as of its last sign of life", async () => {
    const traced = { ...progress, traceparent: EXAMPLE_TRACEPARENT };
    const { recovered, published } = await recover(await logOf(created, traced), "j");
    expect(recovered).toBe(1);
    expect(published).toMatchObject([
      {
        type: "orchestra.job.failed",
        timestamp: NOW,
        traceparent: EXAMPLE_TRACEPARENT,
        data: {
          jobId: "j",
          status: "failed",
          errorType: "interrupted",
          revision: 2,
          startedAt: START_MS - 500,
          finishedAt: START_MS,
          durationMs: 500,
        },
      },
    ]);
  });

  it("tells the whole story, with its new end", async () => {
    const other = jobEvent("orchestra.job.created", "other");
    const { published, stories } = await recover(await logOf(created, other, progress), "j");
    expect(stories).toEqual([{ jobId: "j", events: [created, progress, published[0]] }]);
  });

  it("gives the end an id that follows from the job, so that it can be repeated", async () => {
    const log = await logOf(created, progress);
    const [first, second] = [await recover(log, "j"), await recover(log, "j")];
    expect(second.published[0]?.id).toBe(first.published[0]?.id);
  });

  it("keeps the id of the end within its limits for the longest job id", async () => {
    const jobId = "j".repeat(512);
    const { published } = await recover(await logOf(jobEvent("orchestra.job.created", jobId)), jobId);
    expect(published[0]?.id.length).toBeLessThanOrEqual(512);
  });

  it("recovers the others when one cannot be, and tells of it", async () => {
    const strange = jobEvent("orchestra.job.created", "strange", { status: "paused" as "running" });
    const log = await logOf(strange, created);
    const errors: unknown[] = [];
    const published: OrchestratorEvent[] = [];
    const publish = (event: OrchestratorEvent) => void published.push(event);
    await recoverJobs(["strange", "j"], { log, publish, onError: (error) => errors.push(error) });
    expect(published).toMatchObject([{ data: { jobId: "j" } }]);
    expect(errors).toHaveLength(1);
  });

  it("leaves a job alone that has ended", async () => {
    const end = jobEvent("orchestra.job.completed", "j");
    expect(await recover(await logOf(created, end), "j")).toEqual({
      recovered: 0,
      published: [],
      stories: [],
    });
  });

  it("leaves a job alone that the log knows nothing of", async () => {
    expect(await recover(await logOf(created), "unknown")).toMatchObject({ recovered: 0, published: [] });
  });

  it("reads stories longer than one page", async () => {
    const events = Array.from({ length: 1_500 }, (_, index) =>
      jobEvent("orchestra.job.progress", index % 2 ? "j" : "other", { revision: index }),
    );
    const { stories } = await recover(await logOf(...events), "j");
    expect(stories[0]?.events).toHaveLength(751);
  });

  it("never lets a job end before it began", async () => {
    const late = jobEvent("orchestra.job.created", "j", { startedAt: START_MS + 9_000 });
    const { published } = await recover(await logOf(late), "j");
    expect(published[0]?.data).toMatchObject({ finishedAt: START_MS + 9_000, durationMs: 0 });
  });
});

describe("a job that goes on in this process", () => {
  it("is handed over as its events leave it, and does not end", async () => {
    const log = await logOf(created, progress);
    const resumed: unknown[] = [];
    const published: OrchestratorEvent[] = [];
    const recovered = await recoverJobs(["j"], {
      log,
      publish: (event) => void published.push(event),
      resume: (job) => resumed.push(job) > 0,
    });
    expect({ recovered, published }).toEqual({ recovered: 0, published: [] });
    expect(resumed).toMatchObject([{ jobId: "j", status: "running", revision: 1 }]);
  });

  it("continues its revisions and its trace where they stopped", () => {
    const registry = new WorkerJobRegistry({ now: () => NOW });
    const published: OrchestratorEvent[] = [];
    const observer = observeJobs(registry, { publish: (event) => void published.push(event) });
    const snapshot = [created, { ...progress, traceparent: EXAMPLE_TRACEPARENT }].reduce<
      JobSnapshot | undefined
    >(applyJobEvent, undefined);
    registry.adopt("j");
    registry.resume({ ...(snapshot as JobSnapshot), id: "j", message: "m" });
    observer.resume(snapshot as JobSnapshot);
    registry.setResult("j");
    expect(published).toMatchObject([
      {
        type: "orchestra.job.completed",
        traceparent: EXAMPLE_TRACEPARENT,
        data: { jobId: "j", revision: 2, startedAt: START_MS - 500, workerId: created.data.workerId },
      },
    ]);
  });
});
