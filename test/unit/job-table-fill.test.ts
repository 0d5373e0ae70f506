import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { EventLog, UnplacedEvent } from "../../src/event/event-log.ts";
import { JobTable } from "../../src/event/job-table.ts";
import { nextTurn } from "../../src/event/next-turn.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { fillJobTable } from "../../src/job-table-fill.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { openTestLog, unplaced } from "../fixtures/sqlite-logs.ts";

function created(jobId: string): UnplacedEvent {
  return encodeEvent(jobEvent("orchestra.job.created", jobId));
}

/** Events that are no job's. */
function others(count: number): UnplacedEvent[] {
  return Array.from({ length: count }, (_, index) => unplaced(`other-${index}`));
}

function idsIn(jobs: JobTable): string[] {
  return jobs.list().jobs.map(({ jobId }) => jobId);
}

/** Three jobs, of which the first lies 10,001 events before the end. */
const LONG = [created("old"), created("recent"), ...others(9_998), created("new")];

describe("a job table that is filled from a log", () => {
  it("knows the jobs of the last 10,000 events, and its place in the log", async () => {
    const { log } = await openTestLog();
    await log.append(LONG);
    const jobs = new JobTable();
    await fillJobTable(jobs, log);
    expect(idsIn(jobs)).toEqual(["new", "recent"]);
    expect(jobs.cursor).toBe(log.bounds().latest);
  });

  it("counts events, as sequences leap after a time without a disk", async () => {
    const { log, store } = await openTestLog();
    await log.append(LONG);
    store.exec("UPDATE events SET sequence = sequence + 4294967296 WHERE sequence > 10000");
    const jobs = new JobTable();
    await fillJobTable(jobs, log);
    expect(idsIn(jobs)).toEqual(["new", "recent"]);
  });

  it("does the same with a log whose sequences have no holes", async () => {
    const log = createMemoryEventLog({ capacity: 20_000, maxLength: 2 ** 26 });
    await log.append(LONG);
    const jobs = new JobTable();
    await fillJobTable(jobs, log);
    expect(idsIn(jobs)).toEqual(["new", "recent"]);
  });

  it("stays empty when the log is, or when its cursors tell nothing", async () => {
    const jobs = new JobTable();
    await fillJobTable(jobs, createMemoryEventLog());
    const foreign = {
      bounds: () => ({ oldest: "a", latest: "b" }),
      read: () => expect.fail("to read from?"),
    };
    await fillJobTable(jobs, foreign);
    expect(idsIn(jobs)).toEqual([]);
  });

  it("takes in what is written meanwhile, while others have their turn", async () => {
    const { log } = await openTestLog();
    await log.append([created("first"), ...others(2_000)]);
    const jobs = new JobTable();
    const filled = fillJobTable(jobs, log);
    await nextTurn();
    await log.append([created("meanwhile")]);
    expect(idsIn(jobs)).toEqual(["first"]);
    await filled;
    expect(idsIn(jobs)).toEqual(["meanwhile", "first"]);
  });

  it("comes to an end where a log does not get to its end", async () => {
    const log = createMemoryEventLog();
    await log.append([created("first")]);
    const { latest } = await log.bounds();
    const stuck: Pick<EventLog, "read" | "bounds"> = {
      read: (options) => log.read(options),
      bounds: () => ({ oldest: undefined, latest: latest.replace(/\d+$/, "7") }),
    };
    const jobs = new JobTable();
    await fillJobTable(jobs, stuck);
    expect(idsIn(jobs)).toEqual(["first"]);
  });
});
