import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventIntake, type EventIntakeOptions } from "../../../src/bridge/event-intake.ts";
import type { JobEvent } from "../../../src/event/event.ts";
import type { EventLog, ReadOptions } from "../../../src/event/event-log.ts";
import type { EventSink } from "../../../src/event/event-sink.ts";
import { JobTable } from "../../../src/event/job-table.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { createLogWith, createRecordingSink } from "../../fixtures/publisher-rig.ts";

const created = (jobId: string) => jobEvent("orchestra.job.created", jobId);
const started = (jobId: string) => jobEvent("orchestra.job.started", jobId);
const completed = (jobId: string) => jobEvent("orchestra.job.completed", jobId);
const reported = (jobId: string) => jobEvent("orchestra.job.reported", jobId);
const posted = (...events: JobEvent[]) => events.map((event, index) => ({ event, line: index + 1 }));
const conflict = (line: number) => expect.objectContaining({ code: "CONFLICT", path: "data.status", line });

interface IntakeRigOptions extends Partial<EventIntakeOptions> {
  log?: EventLog;
  maxPending?: number;
  /** Takes part in everything the publisher shows. */
  sinks?: EventSink[];
}

function createIntake({ sinks = [], maxPending, ...options }: IntakeRigOptions = {}) {
  const { log = createMemoryEventLog() } = options;
  const jobs = new JobTable();
  const publisher = new EventPublisher({ log, sinks: [jobs, ...sinks], ...(maxPending && { maxPending }) });
  const parts: EventIntakeOptions = {
    log,
    jobs,
    publish: (event, settled) => publisher.publish(event, settled),
    ...options,
  };
  return { intake: new EventIntake(parts), parts, log, jobs, publisher };
}

const unavailable = expect.objectContaining({ code: "UNAVAILABLE" });

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
    const after = new EventIntake(before.parts);
    expect(await after.take(story)).toEqual({ accepted: 0, duplicates: 3 });
    await expect(after.take(posted(created("j")))).rejects.toThrow(conflict(1));
  });

  it("tells repetitions by the log's own answer, however long ago the first was", async () => {
    const { intake, publisher } = createIntake({ log: createMemoryEventLog({ capacity: 20_000 }) });
    const first = posted(jobEvent("orchestra.job.progress", "j"));
    await intake.take(first);
    const others = Array.from({ length: 10_000 }, () => jobEvent("orchestra.job.progress", "j"));
    await intake.take(posted(...others));
    expect(await intake.take(first)).toEqual({ accepted: 0, duplicates: 1 });
    expect(publisher.stats()).toMatchObject({ made: 10_002, appended: 10_001, duplicates: 1 });
  });

  it("takes what remains of a request that was applied by half", async () => {
    const { intake, publisher, jobs } = createIntake();
    const story = posted(created("j"), started("j"), completed("j"));
    await intake.take(story.slice(0, 2));
    expect(await intake.take(story)).toEqual({ accepted: 1, duplicates: 2 });
    expect(publisher.stats().appended).toBe(3);
    expect(jobs.get("j")?.status).toBe("succeeded");
  });

  it("reads the log once, page by page, for all that seems to contradict it", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const reads: ReadOptions[] = [];
    const log = createLogWith(
      {
        read: (options = {}) => {
          reads.push(options);
          return memory.read(options);
        },
      },
      memory,
    );
    const { intake } = createIntake({ log });
    const ids = Array.from({ length: 1_000 }, (_, index) => `j${index}`);
    const story = posted(...ids.flatMap((id) => [created(id), started(id), completed(id)]));
    await intake.take(story);
    expect(reads).toEqual([]);
    expect(await intake.take(story)).toEqual({ accepted: 0, duplicates: 3_000 });
    expect(reads.length).toBeLessThan(5);
    expect(new Set(reads.map(({ after }) => after)).size).toBe(reads.length);
  });

  it("lets others run between two pages", async () => {
    const { intake, log } = createIntake();
    const story = posted(
      created("j"),
      started("j"),
      ...Array.from({ length: 4_000 }, () => jobEvent("orchestra.job.progress", "j")),
      completed("j"),
    );
    await intake.take(story);
    const read = vi.spyOn(log, "read");
    const readsAtTurn: number[] = [];
    let turn = setImmediate(function look() {
      readsAtTurn.push(read.mock.calls.length);
      turn = setImmediate(look);
    });
    await intake.take(story.slice(-1));
    clearImmediate(turn);
    expect(read.mock.calls.length).toBeGreaterThan(3);
    expect(new Set(readsAtTurn).size).toBeGreaterThan(3);
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
    const { intake, publisher } = createIntake({ maxPending: 500 });
    const events = Array.from({ length: 3_000 }, () => jobEvent("orchestra.job.progress", "j"));
    expect(await intake.take(posted(...events))).toEqual({ accepted: 3_000, duplicates: 0 });
    expect(publisher.stats()).toMatchObject({ appended: 3_000, dropped: { queue_full: 0 } });
  });

  it("refuses to speak for a job that this process holds, but takes a report on it", async () => {
    const { intake, jobs } = createIntake({ ownsJob: (jobId) => jobId === "own" });
    const own = { code: "CONFLICT", path: "data.jobId", line: 1 };
    for (const event of [created("own"), started("own"), completed("own")]) {
      await expect(intake.take(posted(event))).rejects.toThrow(expect.objectContaining(own));
    }
    expect(jobs.get("own")).toBeUndefined();
    expect(await intake.take(posted(reported("own"), created("other")))).toMatchObject({ accepted: 2 });
  });

  it("knows an event of its own process when it is sent back", async () => {
    const { intake, publisher } = createIntake({ ownsJob: () => true });
    const event = created("own");
    publisher.publish(event);
    await publisher.flush();
    expect(await intake.take(posted(event))).toEqual({ accepted: 0, duplicates: 1 });
  });
});

describe("what the log does not take", () => {
  it.each<[string, EventLog["append"]]>([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("disk full"))],
  ])("is not accepted when append %s, and accepted when it is sent again", async (_, append) => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const log = createLogWith({ append }, memory);
    const { intake, publisher } = createIntake({ log });
    const story = posted(created("j"), started("j"));
    await expect(intake.take(story)).rejects.toThrow(unavailable);
    expect(publisher.stats().dropped.append_failed).toBe(2);
    log.append = (batch) => memory.append(batch);
    expect(await intake.take(story)).toEqual({ accepted: 2, duplicates: 0 });
    expect((await memory.read()).records.map(({ event }) => event.id)).toEqual(
      story.map(({ event }) => event.id),
    );
  });

  it("is said of a request that was applied by half, and only the rest is taken when it is sent again", async () => {
    const memory = createMemoryEventLog();
    let batches = 0;
    const log = createLogWith(
      {
        append: (batch) => {
          if (++batches === 2) throw new Error("disk full");
          return memory.append(batch);
        },
      },
      memory,
    );
    const { intake } = createIntake({ log });
    const events = posted(...Array.from({ length: 1_200 }, () => jobEvent("orchestra.job.progress", "j")));
    await expect(intake.take(events)).rejects.toThrow(/500 of 1200/);
    expect(await intake.take(events)).toEqual({ accepted: 700, duplicates: 500 });
  });

  it("is not accepted when the publisher's queue is full", async () => {
    const { intake, publisher } = createIntake({ maxPending: 1 });
    publisher.publish(jobEvent("orchestra.job.progress", "host"));
    const event = posted(jobEvent("orchestra.job.progress", "j"));
    const answer = intake.take(event);
    await expect(answer).rejects.toThrow(unavailable);
    expect(publisher.stats().dropped.queue_full).toBe(1);
    await publisher.flush();
    expect(await intake.take(event)).toEqual({ accepted: 1, duplicates: 0 });
  });

  it("is not known when the log cannot be read", async () => {
    const read = () => {
      throw new Error("disk");
    };
    const { intake } = createIntake({ log: createLogWith({ read }) });
    await intake.take(posted(created("j")));
    await expect(intake.take(posted(created("j")))).rejects.toThrow(unavailable);
  });

  it("is not accepted once the publisher is closed", async () => {
    const { intake, publisher } = createIntake();
    await publisher.shutdown();
    await expect(intake.take(posted(created("j")))).rejects.toThrow(unavailable);
  });
});

describe("a log that does not answer", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  function createHangingIntake() {
    const memory = createMemoryEventLog();
    const answer = Promise.withResolvers<void>();
    const log = createLogWith({ append: (batch) => answer.promise.then(() => memory.append(batch)) }, memory);
    return { ...createIntake({ log }), answer };
  }

  it("is waited for five seconds, and the same events are taken when it answers", async () => {
    const { intake, answer, publisher } = createHangingIntake();
    const event = posted(created("j"));
    const refused = expect(intake.take(event)).rejects.toThrow(unavailable);
    await turn();
    await vi.advanceTimersByTimeAsync(5_000);
    await refused;
    answer.resolve();
    await publisher.flush();
    expect(await intake.take(event)).toEqual({ accepted: 0, duplicates: 1 });
    expect(publisher.stats()).toMatchObject({ appended: 1, duplicates: 0 });
  });

  it("lets nobody in while it is not known what became of what came before", async () => {
    const { intake, answer, publisher } = createHangingIntake();
    await Promise.all([refusedAfterTimeout(intake, created("j")), refused(intake, created("k"))]);
    await refused(intake, created("j"));
    answer.resolve();
    await publisher.flush();
    await expect(intake.take(posted(created("j")))).rejects.toThrow(conflict(1));
    expect(publisher.stats().appended).toBe(1);
  });

  it("has at most 64 requests wait for it", async () => {
    const { intake } = createHangingIntake();
    const turns = Array.from({ length: 64 }, (_, index) => refused(intake, created(`j${index}`)));
    await expect(intake.take(posted(created("k")))).rejects.toThrow(/Too many/);
    await turn();
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.all(turns);
  });

  const refused = (intake: EventIntake, event: JobEvent) =>
    expect(intake.take(posted(event))).rejects.toThrow(unavailable);

  async function refusedAfterTimeout(intake: EventIntake, event: JobEvent): Promise<void> {
    const answer = refused(intake, event);
    await turn();
    await vi.advanceTimersByTimeAsync(5_000);
    await answer;
  }
});

describe("a sink that hangs", () => {
  it("holds up no answer", async () => {
    const sink = { ...createRecordingSink(), forceFlush: () => new Promise<void>(() => {}) };
    const { intake } = createIntake({ sinks: [sink] });
    expect(await intake.take(posted(created("j")))).toEqual({ accepted: 1, duplicates: 0 });
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
