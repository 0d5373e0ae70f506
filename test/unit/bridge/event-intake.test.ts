import { describe, expect, it, vi } from "vitest";
import { EventIntake, type EventIntakeOptions } from "../../../src/bridge/event-intake.ts";
import type { JobEvent } from "../../../src/event/event.ts";
import { JobTable } from "../../../src/event/job-table.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

const created = (jobId: string) => jobEvent("orchestra.job.created", jobId);
const started = (jobId: string) => jobEvent("orchestra.job.started", jobId);
const completed = (jobId: string) => jobEvent("orchestra.job.completed", jobId);
const reported = (jobId: string) => jobEvent("orchestra.job.reported", jobId);
const posted = (...events: JobEvent[]) => events.map((event, index) => ({ event, line: index + 1 }));
const conflict = (line: number) => expect.objectContaining({ code: "CONFLICT", path: "data.status", line });

function createIntake(options: Partial<EventIntakeOptions> = {}) {
  const log = createMemoryEventLog();
  const jobs = new JobTable();
  const publisher = new EventPublisher({ log, sinks: [jobs] });
  const parts = {
    log,
    jobs,
    publish: (event: JobEvent) => publisher.publish(event),
    flush: () => publisher.flush(),
  };
  return { intake: new EventIntake({ ...parts, ...options } as EventIntakeOptions), ...parts, publisher };
}

describe("the event intake", () => {
  it("has what it accepted in the log and the job table when it answers", async () => {
    const { intake, jobs, publisher } = createIntake();
    expect(await intake.take(posted(created("j"), started("j"), completed("j"), reported("j")))).toEqual({
      accepted: 4,
      duplicates: 0,
    });
    expect(jobs.get("j")?.status).toBe("succeeded");
    expect(publisher.stats().appended).toBe(4);
  });

  it("takes an id once: within a request, and when a request is repeated", async () => {
    const { intake, publisher } = createIntake();
    const story = posted(created("j"), started("j"), completed("j"));
    const [first] = story;
    expect(await intake.take([...story, ...(first ? [first] : [])])).toEqual({ accepted: 3, duplicates: 1 });
    expect(await intake.take(story)).toEqual({ accepted: 0, duplicates: 3 });
    expect(publisher.stats()).toMatchObject({ appended: 3, duplicates: 0 });
  });

  it("knows from the log what it was told before it was started anew", async () => {
    const before = createIntake();
    const story = posted(created("j"), started("j"), completed("j"));
    await before.intake.take(story);
    const after = new EventIntake({ ...before, publish: before.publish as EventIntakeOptions["publish"] });
    expect(await after.take(story)).toEqual({ accepted: 0, duplicates: 3 });
    await expect(after.take(posted(created("j")))).rejects.toThrow(conflict(1));
  });

  it("looks for an id through all pages of a job's events", async () => {
    const { log, jobs, publish, flush } = createIntake();
    const story = [created("j"), started("j")];
    for (let count = 0; count < 2_500; count++) story.push(jobEvent("orchestra.job.progress", "j"));
    story.push(completed("j"));
    for (const event of story) publish(event);
    await flush();
    const intake = new EventIntake({ log, jobs, publish: publish as EventIntakeOptions["publish"], flush });
    const last = story.at(-1) as JobEvent;
    expect(await intake.take(posted(last))).toEqual({ accepted: 0, duplicates: 1 });
  });

  it("applies nothing of a request that contradicts the log or itself, and names the line", async () => {
    const { intake, jobs, publisher } = createIntake();
    await intake.take(posted(created("done"), started("done"), completed("done")));
    await expect(intake.take(posted(created("new"), started("done")))).rejects.toThrow(conflict(2));
    await expect(intake.take(posted(created("new"), started("new"), created("new")))).rejects.toThrow(
      conflict(3),
    );
    await expect(
      intake.take(posted(created("new"), started("new"), completed("new"), started("new"))),
    ).rejects.toThrow(conflict(4));
    expect(jobs.get("new")).toBeUndefined();
    expect(publisher.stats().made).toBe(3);
  });

  it("names no line when there is but one event", async () => {
    const { intake } = createIntake();
    await intake.take(posted(created("j")));
    await expect(intake.take([{ event: created("j"), line: undefined }])).rejects.toThrow(
      expect.not.objectContaining({ line: expect.anything() }),
    );
  });

  it("checks each request against all that came before it, also when they come at once", async () => {
    const { intake, publisher } = createIntake();
    await intake.take(posted(created("j"), started("j")));
    const results = await Promise.allSettled(
      [completed("j"), completed("j"), completed("j")].map((e) => intake.take(posted(e))),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(publisher.stats().appended).toBe(3);
  });

  it("leaves room in the publisher's queue, however many events come at once", async () => {
    const log = createMemoryEventLog();
    const publisher = new EventPublisher({ log, maxPending: 500 });
    const intake = new EventIntake({
      log,
      jobs: new JobTable(),
      publish: (event) => publisher.publish(event),
      flush: () => publisher.flush(),
    });
    const events = Array.from({ length: 3_000 }, () => jobEvent("orchestra.job.progress", "j"));
    expect(await intake.take(posted(...events))).toEqual({ accepted: 3_000, duplicates: 0 });
    expect(publisher.stats()).toMatchObject({ appended: 3_000, dropped: { queue_full: 0 } });
  });

  it("says so when the log fails, and takes the same events again", async () => {
    let fails = true;
    const parts = createIntake();
    const intake = new EventIntake({
      ...parts,
      publish: parts.publish as EventIntakeOptions["publish"],
      flush: async () => {
        if (fails) throw new Error("disk full");
        await parts.flush();
      },
    });
    const event = posted(created("j"));
    await expect(intake.take(event)).rejects.toThrow(expect.objectContaining({ code: "UNAVAILABLE" }));
    fails = false;
    expect(await intake.take(event)).toEqual({ accepted: 1, duplicates: 0 });
    expect(parts.publisher.stats()).toMatchObject({ appended: 1, duplicates: 1 });
  });

  it("lets at most 64 requests wait", async () => {
    const { intake } = createIntake({ flush: () => new Promise(() => {}) });
    const turns = Array.from({ length: 64 }, () =>
      intake.take(posted(jobEvent("orchestra.job.progress", "j"))),
    );
    expect(turns).toHaveLength(64);
    await expect(intake.take(posted(created("k")))).rejects.toThrow(
      expect.objectContaining({ code: "UNAVAILABLE" }),
    );
  });

  it("remembers the last 10,000 ids", async () => {
    const { intake, publisher } = createIntake();
    const first = posted(jobEvent("orchestra.job.progress", "j"));
    await intake.take(first);
    const others = Array.from({ length: 10_000 }, () => jobEvent("orchestra.job.progress", "j"));
    await intake.take(posted(...others));
    expect(await intake.take(first)).toEqual({ accepted: 1, duplicates: 0 });
    expect(publisher.stats().made).toBe(10_002);
  });
});

describe("a sink that hangs", () => {
  it("does not hold up the answer for more than two seconds", async ({ onTestFinished }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { intake } = createIntake({ flush: () => new Promise(() => {}) });
    const answer = intake.take(posted(created("j")));
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await answer).toEqual({ accepted: 1, duplicates: 0 });
  });
});
