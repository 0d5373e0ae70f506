import { expect, test } from "vitest";
import { LastJob } from "../../../src/cli/last-job.ts";
import type { EventRecord } from "../../../src/event/event-log.ts";
import { jobEvent } from "../../fixtures/sqlite-logs.ts";

const record = (jobId: string, type: "created" | "completed"): EventRecord => {
  return { ...jobEvent(type, { jobId, workerId: `worker of ${jobId}` }), cursor: "e-1" };
};

test("the last job is of this process, whatever others with the same data file tell meanwhile", () => {
  const last = new LastJob((jobId) => jobId === "ours");
  last.apply(record("ours", "created"));
  last.apply(record("theirs", "created"));
  last.apply(record("ours", "completed"));
  last.apply(record("theirs", "completed"));
  expect(last.snapshot).toMatchObject({ jobId: "ours", workerId: "worker of ours", status: "succeeded" });
  expect(last.event?.data.jobId).toBe("ours");
});
