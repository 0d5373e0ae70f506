import { expect, it } from "vitest";
import { partiesOf } from "../../../src/panel/jobs/party.ts";
import { ended, job } from "./panel-jobs.ts";

it("shows who is busy with what first, then who did something last", () => {
  const parties = partiesOf(
    [
      job("new", { startedAt: 3_000, updatedAt: 3_000 }),
      job("old", { startedAt: 2_000, updatedAt: 9_000 }),
      ended("done", 5_000),
      ended("before", 4_000, { status: "failed" }),
      ended("other", 6_000, { workerId: "tester" }),
      ended("without-end", 0, { workerId: "writer", finishedAt: undefined, updatedAt: 7_000 }),
    ],
    ({ workerId }) => workerId,
  );
  expect(parties.map(({ id }) => id)).toEqual(["coder", "writer", "tester"]);
  expect(parties[0]).toMatchObject({
    total: 4,
    counts: { queued: 0, running: 2, succeeded: 1, failed: 1, canceled: 0 },
    open: [{ jobId: "old" }, { jobId: "new" }],
    last: { jobId: "done" },
    updatedAt: 9_000,
  });
});

it("leaves out jobs without an id of the kind", () => {
  const parties = partiesOf([job("a"), job("b", { sessionId: "s" })], ({ sessionId }) => sessionId);
  expect(parties.map(({ id, last }) => ({ id, last }))).toEqual([{ id: "s", last: undefined }]);
});
