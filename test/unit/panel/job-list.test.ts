import { describe, expect, it } from "vitest";
import { isFiltering, type JobFilter } from "../../../src/panel/jobs/job-filter.ts";
import { type JobListOptions, listJobs } from "../../../src/panel/jobs/job-list.ts";
import { ended, entry, job } from "./panel-jobs.ts";

const ENTRIES = [
  job("e", { workerId: "tester", sessionId: "s2", message: "Run the tests" }),
  ended("d", 3_000, { sessionId: "s2", message: "Fix the Parser" }),
  ended("c", 2_500, { status: "failed", error: "No such file", errorType: "IoError", sessionId: "s1" }),
  ended("b", 2_000, { status: "canceled", reason: "not needed" }),
  job("a", { status: "queued", message: "Fix the lexer" }),
].map(entry);

const list = (filter: Partial<JobFilter>, options: Partial<JobListOptions> = {}) =>
  listJobs(ENTRIES, { filter: { statuses: [], ...filter }, grouping: "none", closed: new Set(), ...options });
const idsOf = ({ rows }: ReturnType<typeof list>) => rows.map((row) => row.key.replace("job:", ""));

describe("the list of jobs", () => {
  it.each<[Partial<JobFilter>, string]>([
    [{}, "edcba"],
    [{ statuses: ["failed", "queued"] }, "ca"],
    [{ worker: "tester" }, "e"],
    [{ session: "s2" }, "ed"],
    [{ text: "fix" }, "da"],
    [{ text: "parser FIX" }, "d"],
    [{ text: "fix", statuses: ["queued"] }, "a"],
    [{ text: "no such" }, "c"],
    [{ text: "ioerror" }, "c"],
    [{ text: "nothing has this" }, ""],
  ])("with the filter %j has %s", (filter, ids) => {
    expect(idsOf(list(filter)).join("")).toBe(ids);
  });

  it("counts the statuses of what fits otherwise", () => {
    const { counts, total } = list({ session: "s2", statuses: ["running"] });
    expect(counts).toEqual({ queued: 0, running: 1, succeeded: 1, failed: 0, canceled: 0 });
    expect(total).toBe(1);
  });

  it("groups by session, those without one together", () => {
    expect(idsOf(list({}, { grouping: "session" }))).toEqual([
      ...["session:s2", "e", "d"],
      ...["session:s1", "c"],
      ...["session:", "b", "a"],
    ]);
  });

  it("keeps the jobs of a closed group to itself", () => {
    const grouped = list({}, { grouping: "worker", closed: new Set(["worker:coder"]) });
    expect(idsOf(grouped)).toEqual(["worker:tester", "e", "worker:coder"]);
    expect(grouped.total).toBe(5);
    expect(grouped.rows[2]).toMatchObject({
      total: 4,
      isOpen: false,
      counts: { queued: 1, running: 0, succeeded: 1, failed: 1, canceled: 1 },
    });
  });
});

describe("a filter", () => {
  it.each<[Partial<JobFilter>, boolean]>([
    [{}, false],
    [{ statuses: ["failed"] }, true],
    [{ worker: "w" }, true],
    [{ session: "s" }, true],
    [{ text: "t" }, true],
  ])("%j leaves jobs out: %s", (filter, expected) => {
    expect(isFiltering({ statuses: [], ...filter })).toBe(expected);
  });
});
