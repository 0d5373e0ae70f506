import { describe, expect, it, onTestFinished } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { Cursor, EventLog } from "../../../src/event/event-log.ts";
import { applyJobEvent, type JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { type RecoveryOptions, recoverJobs } from "../../../src/lifecycle/recovery.ts";
import { START_MS } from "../../fixtures/clock.ts";
import { EXAMPLE_TRACEPARENT } from "../../fixtures/event-examples.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { createRecordingTracer } from "../../fixtures/recording-tracer.ts";

const NOW = START_MS + 60_000;

interface TestLog {
  log: EventLog;
  /** The place before the first event, and those of all events. */
  places: Cursor[];
}

async function logOf(...events: OrchestratorEvent[]): Promise<TestLog> {
  const log = createMemoryEventLog();
  const { latest } = await log.bounds();
  const cursors = await log.append(events.map((event, index) => encodeEvent({ ...event, id: `e${index}` })));
  return { log, places: [latest, ...(cursors as Cursor[])] };
}

async function recover({ log, places }: TestLog, jobId: string, options: Partial<RecoveryOptions> = {}) {
  const published: OrchestratorEvent<"orchestra.job.failed">[] = [];
  const tracer = createRecordingTracer();
  const first: OrchestratorEvent[] = [];
  const recovered: string[] = [];
  const errors: unknown[] = [];
  await recoverJobs([{ jobId, after: places[0] as Cursor }], {
    log,
    publish: (event) => published.push(event) > 0,
    rebuild: (event) => {
      first.push(event);
      return tracer;
    },
    onRecovered: (_job, recovery) => void recovered.push(recovery),
    onError: (_job, error) => void errors.push(error),
    now: () => NOW,
    ...options,
  });
  return { recovery: recovered[0], published, first, told: tracer.calls, errors };
}

/** The same log, but read in another way. */
function readBy(log: EventLog, read: EventLog["read"]): RecoveryOptions["log"] {
  return { read, bounds: () => log.bounds() };
}

const created = jobEvent("orchestra.job.created", "j", {
  revision: 0,
  status: "running",
  startedAt: START_MS - 500,
});
const progress = jobEvent("orchestra.job.progress", "j", { revision: 1, startedAt: START_MS - 500 });
const completed = jobEvent("orchestra.job.completed", "j", { revision: 2 });

describe("a job whose process is gone", () => {
  it("ends as interrupted, as of its last sign of life", async () => {
    const traced = { ...progress, traceparent: EXAMPLE_TRACEPARENT };
    const { recovery, published } = await recover(await logOf(created, traced), "j");
    expect(recovery).toBe("ended");
    expect(published).toMatchObject([
      {
        type: "orchestra.job.failed",
        timestamp: NOW,
        traceparent: EXAMPLE_TRACEPARENT,
        data: {
          jobId: "j",
          workerId: created.data.workerId,
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

  it("gets its span by being told again, from its first event to its new end", async () => {
    const other = jobEvent("orchestra.job.progress", "other");
    const started = jobEvent("orchestra.job.started", "j", { revision: 1 });
    const later = jobEvent("orchestra.job.progress", "j", { revision: 2 });
    const { first, told } = await recover(await logOf(created, other, started, later), "j");
    expect(first).toMatchObject([{ type: "orchestra.job.created" }]);
    expect(told).toEqual(["start j 1", "annotate j 2", "close j 3 failed"]);
  });

  it("ends without a span when there is none to be made", async () => {
    const { recovery, published } = await recover(await logOf(created), "j", { rebuild: undefined });
    expect([recovery, published.length]).toEqual(["ended", 1]);
  });

  it("is told page by page, however long its story is", async () => {
    const events = Array.from({ length: 1_500 }, (_, index) =>
      jobEvent("orchestra.job.progress", index % 2 ? "j" : "other", { revision: index }),
    );
    const { published, told } = await recover(await logOf(...events), "j");
    expect(told).toHaveLength(751);
    expect(published).toMatchObject([{ data: { revision: 1_500 } }]);
  });

  it("leaves a turn of the event loop to others before each page", async () => {
    const { log, places } = await logOf(created, progress, progress);
    let turn = 0;
    const count = () => {
      turn++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    onTestFinished(() => clearImmediate(next));
    const turns: number[] = [];
    const read: EventLog["read"] = (options) => {
      turns.push(turn);
      return log.read({ ...options, limit: 1 });
    };
    await recover({ log, places }, "j", { log: readBy(log, read) });
    // Three pages, and what may have come meanwhile.
    expect(turns.length).toBe(4);
    expect(new Set(turns).size).toBe(4);
    expect(turns).not.toContain(0);
  });

  it("is read to an end although others keep on writing", async () => {
    const { log, places } = await logOf(created, progress);
    let written = 0;
    const read: EventLog["read"] = async (options) => {
      await log.append([
        encodeEvent({ ...jobEvent("orchestra.job.progress", "other"), id: `o${written++}` }),
      ]);
      return log.read({ ...options, limit: 1 });
    };
    const { published } = await recover({ log, places }, "j", { log: readBy(log, read) });
    expect(published).toMatchObject([{ data: { revision: 2 } }]);
  });

  it("is left alone when somebody ends it meanwhile", async () => {
    const { log, places } = await logOf(created, progress);
    let pages = 0;
    const read: EventLog["read"] = async (options) => {
      if (++pages === 2) await log.append([encodeEvent(completed)]);
      return log.read(options);
    };
    expect(await recover({ log, places }, "j", { log: readBy(log, read) })).toMatchObject({
      recovery: "nothing",
      published: [],
    });
  });

  it("is left for later when reading is given up", async () => {
    const gone = new Error("no more");
    const recovery = recover(await logOf(created), "j", { signal: AbortSignal.abort(gone) });
    await expect(recovery).rejects.toBe(gone);
  });

  it("never ends before it began", async () => {
    const late = jobEvent("orchestra.job.created", "j", { startedAt: START_MS + 9_000 });
    const { published } = await recover(await logOf(late), "j");
    expect(published[0]?.data).toMatchObject({ finishedAt: START_MS + 9_000, durationMs: 0 });
  });
});

describe("many jobs", () => {
  const ids = Array.from({ length: 1_200 }, (_, index) => `j${index}`);

  async function manyJobs() {
    const { log, places } = await logOf(...ids.map((id) => jobEvent("orchestra.job.created", id)));
    return { log, jobs: ids.map((jobId, index) => ({ jobId, after: places[index] as Cursor })) };
  }

  it("are read together, each from where it begins", async () => {
    const { log, jobs } = await manyJobs();
    const published: string[] = [];
    let whole = 0;
    await recoverJobs(jobs, {
      log: readBy(log, (options) => {
        if ((options?.filter?.jobIds?.length ?? 0) > 1) whole++;
        return log.read(options);
      }),
      publish: ({ data }, job) => published.push(data.jobId === job.jobId ? job.jobId : "another") > 0,
      onRecovered: () => {},
      onError: (_job, error) => expect.fail(String(error)),
    });
    expect(published).toEqual(ids);
    // 1,200 events by 200, and some more for what lies after a batch.
    expect(whole).toBeLessThan(20);
  });

  it("do not wait for one that cannot be read, or settled", async () => {
    const { log, jobs } = await manyJobs();
    const failed: string[] = [];
    let ended = 0;
    await recoverJobs(jobs, {
      log: readBy(log, (options) => {
        if (options?.filter?.jobIds?.includes("j7")) throw new Error("disk I/O error");
        return log.read(options);
      }),
      publish: ({ data }) => {
        if (data.jobId === "j600") throw new Error("no");
        return ++ended > 0;
      },
      onRecovered: () => {},
      onError: ({ jobId }, error) => failed.push(`${jobId} ${(error as Error).message}`),
    });
    expect(failed).toEqual(["j7 disk I/O error", "j600 no"]);
    expect(ended).toBe(1_198);
  });
});

describe("a job with nothing left to end", () => {
  const report = jobEvent("orchestra.job.reported", "j", { revision: 3 });

  it.each([
    ["has ended", [created, progress, completed]],
    ["has ended and reported", [created, completed, report]],
    ["has reported, its end being gone", [report]],
    ["is unknown to the log", []],
  ])("is one that %s", async (_case, events) => {
    const { recovery, published, told } = await recover(await logOf(...events), "j");
    expect([recovery, published]).toEqual(["nothing", []]);
    expect(told.filter((call) => call.startsWith("close"))).toEqual([]);
  });
});

describe("a status that only a newer version knows", () => {
  const unknown = { status: "paused" as "running" };

  it("keeps nobody from ending a job that goes on by the types of its events", async () => {
    const strange = jobEvent("orchestra.job.created", "j", { ...unknown, revision: 0 });
    const { published } = await recover(await logOf(strange), "j");
    expect(published).toMatchObject([{ data: { jobId: "j", status: "failed", revision: 1 } }]);
  });

  it("leaves a job ended that has ended by the type of its last event", async () => {
    const strange = jobEvent("orchestra.job.completed", "j", { status: "paused" as "succeeded" });
    expect(await recover(await logOf(created, strange), "j")).toMatchObject({ recovery: "nothing" });
  });
});

describe("a job whose beginning the log has let go", () => {
  it("ends by what its other events repeat", async () => {
    const { recovery, published, first, told } = await recover(await logOf(progress), "j");
    expect(recovery).toBe("ended");
    expect(published).toMatchObject([
      { data: { workerId: "coder", sessionId: "ses_42", startedAt: START_MS - 500, revision: 2 } },
    ]);
    expect(first).toMatchObject([{ type: "orchestra.job.progress" }]);
    expect(told).toEqual(["annotate j 1", "close j 2 failed"]);
  });

  it("ends when its place in the log is gone, too", async () => {
    const log = createMemoryEventLog({ capacity: 2 });
    const { latest } = await log.bounds();
    await log.append(
      [created, progress, jobEvent("orchestra.job.progress", "other")].map((event) => encodeEvent(event)),
    );
    const { published } = await recover({ log, places: [latest] }, "j");
    expect(published).toMatchObject([{ data: { jobId: "j", revision: 2 } }]);
  });

  it("ends when no event tells more than its id", async () => {
    const bare = { ...progress, data: { jobId: "j" } } as OrchestratorEvent;
    const { published } = await recover(await logOf(bare), "j");
    expect(published).toMatchObject([
      { data: { jobId: "j", startedAt: START_MS, finishedAt: START_MS, durationMs: 0, revision: 1 } },
    ]);
  });
});

describe("a job id that was used before", () => {
  /** A run that ended, and one that did not. */
  async function twoRuns() {
    return logOf(created, completed, created, progress);
  }

  it("is told of by its later run alone", async () => {
    const { log, places } = await twoRuns();
    const { recovery, told } = await recover({ log, places: places.slice(2) }, "j");
    expect([recovery, told]).toEqual(["ended", ["annotate j 1", "close j 2 failed"]]);
  });

  it("is told of by its later run alone where the log cannot be read on", async () => {
    const { log, places } = await twoRuns();
    const { recovery, published } = await recover({ log, places: places.slice(2) }, "j", {
      // As after a place that was given away and then taken under another.
      log: readBy(log, ({ after: _, ...options } = {}) => log.read(options)),
    });
    expect([recovery, published.length]).toEqual(["ended", 1]);
  });

  it.each([
    ["is left open", [created, progress, created]],
    ["has ended", [created, completed, created]],
    ["has lost its beginning", [progress, created]],
  ])("is not touched for a former run that %s", async (_case, events) => {
    const { recovery, published } = await recover(await logOf(...events), "j");
    expect([recovery, published]).toEqual(["replaced", []]);
  });

  it("makes each run's end an event of its own", async () => {
    const { log, places } = await logOf(created, progress);
    const former = await recover({ log, places }, "j");
    const [end] = former.published as [OrchestratorEvent];
    await log.append(
      [end, created, progress].map((event, index) => encodeEvent({ ...event, id: `l${index}` })),
    );
    const { latest } = await log.bounds();
    const after = latest.replace(/\d+$/, "3");
    const later = await recover({ log, places: [after] }, "j");
    expect(later.published).toMatchObject([{ data: { revision: 2 } }]);
    expect(later.published[0]?.id).not.toBe(end.id);
  });
});

describe("the id of an interrupted job's end", () => {
  it("follows from the run of the job, so that its recovery can be repeated", async () => {
    const log = await logOf(created, progress);
    const [first, second] = [await recover(log, "j"), await recover(log, "j")];
    expect(second.published[0]?.id).toBe(first.published[0]?.id);
  });

  it("keeps within its limits for the longest job id", async () => {
    const jobId = "j".repeat(512);
    const { published } = await recover(await logOf(jobEvent("orchestra.job.created", jobId)), jobId);
    expect(published[0]?.id.length).toBeLessThanOrEqual(512);
  });
});

describe("a job that goes on in this process", () => {
  it("is handed over as its events leave it, with its span open, and does not end", async () => {
    const resumed: unknown[] = [];
    const { recovery, published, told } = await recover(await logOf(created, progress), "j", {
      resume: (job, tracer) => resumed.push(job, tracer !== undefined) > 0,
    });
    expect([recovery, published, told]).toEqual(["resumed", [], ["annotate j 1"]]);
    expect(resumed).toMatchObject([{ jobId: "j", status: "running", revision: 1 }, true]);
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
