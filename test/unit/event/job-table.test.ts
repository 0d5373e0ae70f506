import { describe, expect, it } from "vitest";
import { isJobEvent } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import { type JobQuery, JobTable } from "../../../src/event/job-table.ts";
import { describeEventSink } from "../../conformance/event-sink.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { jobEvent, recordsOf } from "../../fixtures/job-story.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

describeEventSink("JobTable", () => {
  const sink = new JobTable();
  return {
    sink,
    delivered: (records) => {
      const last = records.findIndex(({ cursor }) => cursor === sink.cursor);
      const jobs = records
        .slice(0, last + 1)
        .map(({ event }) => event)
        .filter(isJobEvent);
      return jobs.every(({ data }) => sink.get(data.jobId) !== undefined) ? last + 1 : 0;
    },
  };
});

/** `count` jobs `j1` … created in that order. */
function tableOf(count: number, options: { maxJobs?: number; maxLength?: number } = {}): JobTable {
  const table = new JobTable(options);
  const events = Array.from({ length: count }, (_, index) =>
    jobEvent("orchestra.job.created", `j${index + 1}`, {
      status: "running",
      workerId: index % 2 === 0 ? "odd" : "even",
      sessionId: index < 2 ? "first" : "later",
    }),
  );
  for (const record of recordsOf(events)) table.onEvent(record);
  return table;
}

function end(table: JobTable, jobId: string): void {
  table.onEvent({ ...encodeEvent(jobEvent("orchestra.job.completed", jobId)), cursor: "e-99" });
}

function ids(table: JobTable, query?: JobQuery): string[] {
  return table.list(query).jobs.map((job) => job.jobId);
}

describe("the table of jobs", () => {
  it("is empty before the first record", () => {
    const table = new JobTable();
    expect(table.list()).toEqual({ jobs: [], total: 0, next: undefined, cursor: undefined });
    expect(table.get("j1")).toBeUndefined();
  });

  it("shows jobs newest first, each as its events tell it", () => {
    const table = tableOf(3);
    end(table, "j2");
    expect(ids(table)).toEqual(["j3", "j2", "j1"]);
    expect(table.get("j2")).toMatchObject({ status: "succeeded", workerId: "coder" });
  });

  it("filters by status, worker and session, all at once", () => {
    const table = tableOf(5);
    end(table, "j5");
    expect(ids(table, { status: "running" })).toEqual(["j4", "j3", "j2", "j1"]);
    expect(ids(table, { workerId: "even" })).toEqual(["j4", "j2"]);
    expect(ids(table, { sessionId: "first" })).toEqual(["j2", "j1"]);
    expect(ids(table, { sessionId: "first", workerId: "odd", status: "running" })).toEqual(["j1"]);
  });

  it("knows its place in the log, past events of other families too", () => {
    const table = tableOf(2);
    expect(table.list().cursor).toBe("e-2");
    table.onEvent({ ...encodeEvent(exampleEvent("orchestra.error")), cursor: "e-3" });
    expect(table.cursor).toBe("e-3");
    expect(table.list().total).toBe(2);
  });
});

describe("paging", () => {
  it("shows each job once, and says when there is no more", () => {
    const table = tableOf(5);
    const first = table.list({ limit: 2 });
    expect(first).toMatchObject({ total: 5, next: "j4" });
    const second = table.list({ limit: 2, after: first.next });
    expect(second).toMatchObject({ total: 5, next: "j2" });
    expect(table.list({ limit: 2, after: second.next })).toMatchObject({ jobs: [{ jobId: "j1" }], total: 5 });
    expect(table.list({ limit: 1, after: "j2" }).next).toBeUndefined();
  });

  it("is of 100 by default", () => {
    const table = tableOf(101);
    expect(ids(table)).toHaveLength(100);
    expect(table.list().next).toBe("j2");
  });

  it("goes on after a job that no longer fits the query", () => {
    const table = tableOf(4);
    const { next } = table.list({ status: "running", limit: 2 });
    end(table, next as string);
    expect(ids(table, { status: "running", after: next })).toEqual(["j2", "j1"]);
  });

  it("ends before it becomes too long to be sent at once", () => {
    const table = new JobTable();
    const long = "x".repeat(4_000);
    const events = Array.from({ length: 1_000 }, (_, index) =>
      jobEvent("orchestra.job.created", `j${index}`, { message: long }),
    );
    for (const record of recordsOf(events)) table.onEvent(record);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = table.list({ limit: 1_000, after });
      expect(page.total).toBe(1_000);
      expect(JSON.stringify(page.jobs).length).toBeLessThan(1.1 * 1024 * 1024);
      seen.push(...page.jobs.map(({ jobId }) => jobId));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(events.map(({ data }) => data.jobId).reverse());
  });

  it("refuses to go on after a job that is not held, rather than begin again", () => {
    expect(thrownBy(() => tableOf(2).list({ after: "gone" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path: "after",
    });
  });
});

describe("a full table", () => {
  it("lets the oldest ended job go first", () => {
    const table = tableOf(3, { maxJobs: 3 });
    end(table, "j3");
    end(table, "j2");
    for (const jobId of ["j4", "j5"]) {
      table.onEvent({ ...encodeEvent(jobEvent("orchestra.job.created", jobId)), cursor: "e-100" });
    }
    expect(ids(table)).toEqual(["j5", "j4", "j1"]);
  });

  it("lets the oldest of all go when none has ended", () => {
    expect(ids(tableOf(5, { maxJobs: 3 }))).toEqual(["j5", "j4", "j3"]);
  });

  it("does not count a job as ended that goes on after all", () => {
    const table = tableOf(2, { maxJobs: 2 });
    end(table, "j2");
    table.onEvent({ ...encodeEvent(jobEvent("orchestra.job.progress", "j2")), cursor: "e-100" });
    table.onEvent({ ...encodeEvent(jobEvent("orchestra.job.created", "j3")), cursor: "e-101" });
    expect(ids(table)).toEqual(["j3", "j2"]);
  });

  it("is one with too many characters, too", () => {
    const table = tableOf(4, { maxLength: 4_000 });
    expect(table.stats()).toMatchObject({ jobs: 4, evicted: 0 });
    end(table, "j3");
    const message = "x".repeat(3_000);
    table.onEvent({ ...encodeEvent(jobEvent("orchestra.job.created", "j5", { message })), cursor: "e-100" });
    expect(ids(table)).not.toContain("j3");
    expect(table.stats().length).toBeLessThanOrEqual(4_000);
    expect(table.stats()).toMatchObject({ jobs: table.list().total, evicted: 5 - table.list().total });
  });

  it("holds at least the job that it was told of last", () => {
    const table = tableOf(3, { maxLength: 1 });
    expect(ids(table)).toEqual(["j3"]);
    expect(table.stats()).toMatchObject({ jobs: 1, evicted: 2 });
  });

  it("counts what each job has grown or shrunk to, not what it was told in all", () => {
    const table = tableOf(1);
    const { length } = table.stats();
    for (const size of [2_000, 10, 3_000, 10]) {
      const event = jobEvent("orchestra.job.progress", "j1", { message: "x".repeat(size) });
      table.onEvent({ ...encodeEvent(event), cursor: "e-9" });
    }
    expect(table.stats().length).toBeGreaterThan(length);
    expect(table.stats().length).toBeLessThan(length + 500);
  });
});
