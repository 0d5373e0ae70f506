import { describe, expect, it } from "vitest";
import {
  beginOf,
  descendantRows,
  endOf,
  ofSession,
  type TimelineRow,
  timelineRows,
} from "../../../src/panel/timeline/timeline-tree.ts";
import { ended, job } from "./panel-jobs.ts";

const ALL = { from: 0, to: 100_000 };
const shapeOf = (rows: readonly TimelineRow[]) =>
  rows.map(({ job: { jobId }, depth }) => `${" ".repeat(depth)}${jobId}`);

describe("the rows of the timeline", () => {
  it("have children under their parents, the newest story first", () => {
    const jobs = [
      job("root", { startedAt: 1_000 }),
      job("late", { startedAt: 4_000, parentJobId: "root" }),
      job("early", { startedAt: 2_000, parentJobId: "root" }),
      job("deep", { startedAt: 3_000, parentJobId: "early" }),
      job("newest", { startedAt: 5_000 }),
    ];
    const rows = timelineRows(jobs, ALL, 9_000);
    expect(shapeOf(rows)).toEqual(["newest", "root", " early", "  deep", " late"]);
  });

  it("are those of which something lies in the window", () => {
    const jobs = [
      ended("before", 1_500),
      ended("into", 2_500),
      job("queued", { status: "queued", queuedAt: 2_900, startedAt: 9_000 }),
      job("after", { startedAt: 3_001 }),
    ];
    const rows = timelineRows(jobs, { from: 2_000, to: 3_000 }, 4_000);
    expect(shapeOf(rows)).toEqual(["queued", "into"]);
  });

  it("show a job whose parent is not shown by itself", () => {
    const jobs = [ended("parent", 1_500), job("child", { startedAt: 2_000, parentJobId: "parent" })];
    expect(shapeOf(timelineRows(jobs, { from: 1_800, to: 3_000 }, 4_000))).toEqual(["child"]);
  });

  it("have each job once, whatever the jobs say of their parents", () => {
    const jobs = [
      job("a", { parentJobId: "b" }),
      job("b", { parentJobId: "a" }),
      job("own", { parentJobId: "own" }),
    ];
    expect(shapeOf(timelineRows(jobs, ALL, 2_000))).toEqual(["a", " b", "own"]);
  });

  it("may nest deeper than a program can call", () => {
    const jobs = Array.from({ length: 20_000 }, (_, index) =>
      job(`j${index}`, index === 0 ? {} : { parentJobId: `j${index - 1}` }),
    );
    expect(timelineRows(jobs, ALL, 2_000).at(-1)).toMatchObject({ depth: 19_999 });
  });
});

describe("the rows below a job", () => {
  const jobs = [
    job("child", { parentJobId: "root" }),
    job("root", { parentJobId: "above" }),
    job("above"),
    job("grandchild", { parentJobId: "child" }),
  ];

  it("begin with itself", () => {
    expect(shapeOf(descendantRows(jobs, "root"))).toEqual(["root", " child", "  grandchild"]);
  });

  it("are none for a job that is not there", () => {
    expect(descendantRows(jobs, "nobody")).toEqual([]);
  });
});

it("counts what came of a session's jobs to it, whatever session that is in", () => {
  const jobs = [
    job("nested", { sessionId: "b", parentJobId: "task" }),
    job("prompt", { sessionId: "a" }),
    job("task", { sessionId: "a", parentJobId: "prompt" }),
    job("beside", { sessionId: "b" }),
    job("other", { parentJobId: "beside" }),
  ];
  const idsOf = (sessionId: string) => ofSession(jobs, sessionId).map(({ jobId }) => jobId);
  expect(idsOf("a").sort()).toEqual(["nested", "prompt", "task"]);
  expect(idsOf("b").sort()).toEqual(["beside", "nested", "other"]);
  expect(idsOf("c")).toEqual([]);
});

it("takes no job for one that ended before it began", () => {
  const odd = job("odd", { queuedAt: 5_000, startedAt: 3_000, finishedAt: 2_000 });
  expect([beginOf(odd), endOf(odd, 9_000)]).toEqual([3_000, 3_000]);
});
