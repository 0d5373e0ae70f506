import { describe, expect, it, onTestFinished } from "vitest";
import { isJobEvent, type JobEvent } from "../../src/event/event.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { EventLog } from "../../src/event/event-log.ts";
import { EventPublisher } from "../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import type { OrphanedJob } from "../../src/event-log/sqlite-leases.ts";
import { WorkerJobRegistry } from "../../src/job/registry.ts";
import { noopJobTracer } from "../../src/lifecycle/job-tracer.ts";
import { observeJobs } from "../../src/lifecycle/observe.ts";
import { ResumedSpans } from "../../src/lifecycle/resumed-spans.ts";
import { careForOrphans, type OrphanParts, type OrphanPlace } from "../../src/orphans.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { createRecordingTracer } from "../fixtures/recording-tracer.ts";

/** Leases of one who looks: what the test leaves behind is claimed at the next look. */
function createLeases() {
  const left: OrphanedJob[] = [];
  const adopted: string[] = [];
  const forgotten: string[] = [];
  const resumed: string[] = [];
  const awaited: { look: number; begun: () => void }[] = [];
  let looks = 0;
  return {
    left,
    adopted,
    forgotten,
    resumed,
    adopt: (jobId: string) => adopted.push(jobId) > 0,
    forget: ({ jobId }: OrphanedJob) => void forgotten.push(jobId),
    resume: ({ jobId }: OrphanedJob) => void resumed.push(jobId),
    claimOrphans: () => {
      looks++;
      for (const { begun } of awaited.filter(({ look }) => look <= looks)) begun();
      return left.splice(0);
    },
    /** Resolves when so many more looks have been taken. */
    looked: (more: number) =>
      new Promise<void>((begun) => {
        // As one begins, the one before it is over.
        awaited.push({ look: looks + more + 1, begun });
      }),
  };
}

async function openSurvivor() {
  const log = createMemoryEventLog();
  const leases = createLeases();
  const publisher = new EventPublisher({ log, source: "survivor" });
  const [errors, warnings, tracer] = [[] as unknown[], [] as string[], createRecordingTracer()];
  const registry = new WorkerJobRegistry();
  const spans = new ResumedSpans(noopJobTracer);
  const parts: OrphanParts = {
    registry,
    publisher,
    observe: () => observeJobs(registry, { publish: (event) => publisher.publish(event), tracer: spans }),
    spans,
    rebuild: () => tracer,
    onError: (error) => errors.push(error),
    onWarning: (message) => warnings.push(message),
    intervalMs: 1,
  };
  const store = async (jobId: string, ...types: JobEvent["type"][]): Promise<OrphanedJob> => {
    const { latest: after } = await log.bounds();
    await log.append(types.map((type) => encodeEvent(jobEvent(type, jobId))));
    return { jobId, after, owner: "gone", created: 1, seenAt: undefined };
  };
  /** Leaves a job behind, of which the log has these events. */
  const leave = async (...job: Parameters<typeof store>) => void leases.left.push(await store(...job));
  const care = async (place: OrphanPlace = { log, leases }, changes: Partial<OrphanParts> = {}) => {
    const orphans = await careForOrphans(place, { ...parts, ...changes });
    onTestFinished(() => orphans.stop());
    return orphans;
  };
  /** Types and jobs of what is in the log. */
  const story = async () => {
    await publisher.flush();
    const { records } = await log.read();
    return records
      .map(({ event }) => event)
      .filter(isJobEvent)
      .map(({ type, data }) => `${data.jobId} ${type.slice(14)}`);
  };
  return { log, leases, registry, publisher, tracer, errors, warnings, store, leave, care, story };
}

const CREATED = "orchestra.job.created";

/** The same, but its first calls fail. */
function failing<A extends unknown[], R>(action: (...args: A) => R, errors: Error[]): (...args: A) => R {
  return (...args) => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return action(...args);
  };
}

/** A log that gives nothing of some jobs until it is mended. */
function damaged(log: EventLog, ...jobIds: string[]) {
  const error = new Error("disk I/O error");
  const lost = new Set(jobIds);
  const read: EventLog["read"] = (options) => {
    if (options?.filter?.jobIds?.some((jobId) => lost.has(jobId))) throw error;
    return log.read(options);
  };
  return { log: { read, bounds: () => log.bounds() }, mend: () => lost.clear(), error };
}

describe("the care for jobs whose process is gone", () => {
  it("ends those that were left before, and those that are left later on", async () => {
    const { leases, leave, care, story, errors } = await openSurvivor();
    await leave("early", CREATED);
    await care();
    expect(await story()).toEqual(["early created", "early failed"]);
    await leave("late", CREATED);
    await leases.looked(2);
    expect((await story()).slice(2)).toEqual(["late created", "late failed"]);
    expect(errors).toEqual([]);
  });

  it("goes on after a failure, of which it tells", async () => {
    const { log, leases, leave, care, story, errors } = await openSurvivor();
    await leave("early", CREATED);
    const full = new Error("database or disk is full");
    await care({ log, leases: { ...leases, claimOrphans: failing(leases.claimOrphans, [full]) } });
    await leases.looked(1);
    expect(await story()).toEqual(["early created", "early failed"]);
    expect(errors).toEqual([full]);
  });

  it("tries again what it could not read, and lets no other job wait for it", async () => {
    const { log, leases, leave, care, story, errors } = await openSurvivor();
    await leave("unread", CREATED);
    await leave("read", CREATED);
    const damage = damaged(log, "unread");
    await care({ log: damage.log, leases });
    expect((await story()).slice(2)).toEqual(["read failed"]);
    damage.mend();
    await leases.looked(2);
    expect((await story()).slice(2)).toEqual(["read failed", "unread failed"]);
    expect(new Set(errors)).toEqual(new Set([damage.error]));
  });

  it("keeps a bounded number of jobs for the next look", async () => {
    const { log, leases, leave, care, story } = await openSurvivor();
    const jobIds = ["a", "b", "c"];
    for (const jobId of jobIds) await leave(jobId, CREATED);
    const damage = damaged(log, ...jobIds);
    await care({ log: damage.log, leases }, { maxWaiting: 2 });
    damage.mend();
    await leases.looked(2);
    expect((await story()).slice(3)).toEqual(["a failed", "b failed"]);
  });

  it("counts those that it cannot keep, and tells of them once", async () => {
    const { log, leases, leave, care, warnings } = await openSurvivor();
    for (const jobId of ["a", "b", "c", "d"]) await leave(jobId, CREATED);
    const damage = damaged(log, "a", "b", "c", "d", "e", "f");
    const orphans = await care({ log: damage.log, leases }, { maxWaiting: 2 });
    expect(orphans.stats()).toEqual({ waiting: 2, dropped: 2 });
    expect(warnings).toEqual([expect.stringMatching(/^More than 2 jobs /)]);
    for (const jobId of ["e", "f"]) await leave(jobId, CREATED);
    await leases.looked(2);
    expect([orphans.stats()?.dropped, warnings.length]).toEqual([4, 1]);
    damage.mend();
    await leases.looked(2);
    expect(orphans.stats()).toEqual({ waiting: 0, dropped: 4 });
  });

  it("tries again when the end did not get into the log", async () => {
    const { leases, publisher, tracer, leave, care, story } = await openSurvivor();
    await leave("j", CREATED);
    const outcomes = ["queue_full", "append_failed"] as const;
    const lost = [...outcomes];
    const publish: EventPublisher["publish"] = (event, settled) => {
      const outcome = lost.shift();
      if (outcome === undefined) publisher.publish(event, settled);
      else settled?.(outcome);
    };
    await care(undefined, { publisher: { publish, drain: () => publisher.drain() } });
    await leases.looked(3);
    expect(await story()).toEqual(["j created", "j failed"]);
    expect(tracer.calls.filter((call) => call.startsWith("close"))).toHaveLength(1);
  });

  it("lets go of jobs of which nothing is left to tell", async () => {
    const { leases, leave, care, story } = await openSurvivor();
    await leave("gone");
    await leave("ended", CREATED, "orchestra.job.completed");
    await leave("open", CREATED);
    await care();
    expect(leases.forgotten).toEqual(["gone", "ended"]);
    expect((await story()).slice(3)).toEqual(["open failed"]);
  });

  it("keeps what has become a later run of the job", async () => {
    const { leases, leave, care, story } = await openSurvivor();
    await leave("j", CREATED, CREATED);
    await care();
    expect([await story(), leases.forgotten]).toEqual([["j created", "j created"], []]);
  });

  it("keeps a later run that was published in the same turn", async () => {
    const { log, leases, publisher, leave, care, story } = await openSurvivor();
    await leave("j", CREATED);
    const begunMeanwhile = () => setImmediate(() => publisher.publish(jobEvent(CREATED, "j")));
    const read: OrphanPlace["log"]["read"] = (options) => {
      begunMeanwhile();
      return log.read(options);
    };
    await care({ log: { read, bounds: () => log.bounds() }, leases });
    expect(new Set(await story())).toEqual(new Set(["j created"]));
  });

  it("lets go of them later when it cannot now", async () => {
    const { log, leases, leave, care } = await openSurvivor();
    await leave("gone");
    await care({ log, leases: { ...leases, forget: failing(leases.forget, [new Error("locked")]) } });
    expect(leases.forgotten).toEqual([]);
    await leases.looked(1);
    expect(leases.forgotten).toEqual(["gone"]);
  });

  it("leaves them alone once it is over, those included that it has claimed", async () => {
    const { log, leases, store, leave, care, story, errors } = await openSurvivor();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const read: OrphanPlace["log"]["read"] = async (options) => {
      reach();
      await released;
      return log.read(options);
    };
    const orphans = await care({ log: { read, bounds: () => log.bounds() }, leases });
    leases.left.push(await store("one", CREATED), await store("two", CREATED));
    await reached;
    const stopped = orphans.stop();
    release();
    await stopped;
    await leave("three", CREATED);
    expect(await story()).toEqual(["one created", "two created", "three created"]);
    expect(leases.left).toMatchObject([{ jobId: "three" }]);
    expect(errors).toEqual([]);
  });
});

describe("a job that was handed over", () => {
  it("goes on here, and has its span ended with it", async () => {
    const { registry, leases, tracer, leave, care, story } = await openSurvivor();
    await leave("j", CREATED, "orchestra.job.started", "orchestra.job.progress");
    registry.adopt("j");
    await care();
    expect(leases.resumed).toEqual(["j"]);
    expect(tracer.calls).toEqual(["start j 1", "annotate j 2"]);
    registry.updateProgress("j", { message: "on" });
    registry.setResult("j");
    // At once, whatever becomes of the event.
    expect(tracer.calls.slice(2)).toEqual(["annotate j 3", "close j 4 succeeded"]);
    expect((await story()).slice(3)).toEqual(["j progress", "j completed"]);
  });

  it("goes on, and does not end, when the file does not take that it does", async () => {
    const { log, leases, registry, leave, care, story, errors } = await openSurvivor();
    await leave("j", CREATED);
    registry.adopt("j");
    const locked = new Error("database is locked");
    await care({ log, leases: { ...leases, resume: failing(leases.resume, [locked]) } });
    await leases.looked(2);
    expect([await story(), errors]).toEqual([["j created"], [locked]]);
  });

  it("goes on without a span when none is to be made", async () => {
    const { registry, leave, care, story } = await openSurvivor();
    await leave("j", CREATED, "orchestra.job.started");
    registry.adopt("j");
    await care(undefined, { rebuild: undefined });
    registry.setResult("j");
    expect((await story()).slice(2)).toEqual(["j completed"]);
  });

  it("is announced before anything is claimed, once, or when it could not be", async () => {
    const { log, leases, registry, care, errors } = await openSurvivor();
    registry.adopt("early");
    registry.adopt("second");
    const locked = new Error("database is locked");
    await care({ log, leases: { ...leases, adopt: failing(leases.adopt, [locked]) } });
    expect([errors, leases.adopted]).toEqual([[locked], []]);
    await leases.looked(2);
    registry.adopt("late");
    await leases.looked(2);
    expect(leases.adopted).toEqual(["early", "second", "late"]);
  });
});

describe("a job that was handed over and is not there", () => {
  const absent = { adopt: () => false };

  it("is told of once", async () => {
    const { log, leases, registry, care, warnings } = await openSurvivor();
    registry.adopt("j");
    await care({ log, leases: { ...leases, ...absent } });
    await leases.looked(2);
    expect(warnings).toEqual([expect.stringContaining("`j`")]);
  });

  it("is told of together with others, the first of them by name", async () => {
    const { log, leases, registry, care, warnings } = await openSurvivor();
    for (const id of ["a", "b", "c", "d", "e"]) registry.adopt(id);
    await care({ log, leases: { ...leases, ...absent } });
    expect(warnings).toEqual([expect.stringMatching(/`a`, `b`, `c` and 2 more$/)]);
  });

  it.each([
    [["j"], [expect.stringContaining("`j`")]],
    [[], []],
  ])("is told of where nothing is kept: %j", async (ids, expected) => {
    const { registry, publisher, warnings } = await openSurvivor();
    for (const id of ids) registry.adopt(id);
    const orphans = await careForOrphans(undefined, {
      ...({} as OrphanParts),
      registry,
      publisher,
      onWarning: (message) => warnings.push(message),
    });
    await orphans.stop();
    expect([warnings, orphans.stats()]).toEqual([expected, undefined]);
  });
});
