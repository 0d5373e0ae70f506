import { describe, expect, it } from "vitest";
import { BridgeError } from "../../../src/panel/bridge-api.ts";
import {
  answerText,
  type Cancellation,
  followed,
  refusal,
  titleOf,
} from "../../../src/panel/job/cancellation.ts";
import { ended, job } from "./panel-jobs.ts";

describe("a cancellation", () => {
  const succeeded = ended("j", 2_000);

  it.each([
    [{ step: "asked", at: 1 }, job("j"), { step: "asked", at: 1 }],
    [{ step: "asked", at: 1 }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "asking" }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "unanswered" }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "gone" }, succeeded, { step: "ended", job: succeeded }],
    // It was not ended by this request, and yet it has ended.
    [{ step: "refused", why: "no" }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "sign-in" }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "refused", why: "no" }, job("j"), { step: "refused", why: "no" }],
    [{ step: "ended", job: succeeded }, ended("j", 3_000), { step: "ended", job: succeeded }],
  ] as const)("follows what becomes of the job: %#", (before, snapshot, after) => {
    expect(followed(before, snapshot)).toEqual(after);
  });

  it.each([
    [401, "UNAUTHORIZED", { step: "sign-in" }],
    [409, "ILLEGAL_TRANSITION", { step: "refused", why: "The job had ended before." }],
    [404, "UNKNOWN_JOB", { step: "refused", why: expect.stringContaining("only hears of the job") }],
    [404, "NOT_FOUND", { step: "refused", why: expect.stringContaining("cannot cancel jobs") }],
    // The bridge has let nobody in.
    [503, "UNAVAILABLE", { step: "refused", why: "what it says" }],
    // The job may have been told to end all the same.
    [500, "INTERNAL", { step: "unanswered", status: 500 }],
    [504, "", { step: "unanswered", status: 504 }],
  ])("that is answered with %i %s says so", (status, code, after) => {
    expect(refusal(new BridgeError("what it says", status, code))).toEqual(after);
  });

  it("does not claim what nobody knows", () => {
    const unanswered = refusal(new TypeError("Failed to fetch"));
    expect(unanswered).toEqual({ step: "unanswered" });
    expect(answerText(unanswered)).toContain("may go on");
    expect(answerText({ step: "unanswered", status: 504 })).toMatch(/answered with 504.*may go on/);
    expect(answerText({ step: "gone" })).toContain("not known");
  });

  it.each([
    ["canceled", "Job canceled", "The job was canceled."],
    ["succeeded", "Job succeeded", "The job succeeded before it could be canceled."],
    ["failed", "Job failed", "The job failed before it could be canceled."],
  ] as const)("of a job that is then %s says what it is", (status, title, text) => {
    const ended: Cancellation = { step: "ended", job: { status } };
    expect([titleOf(ended), answerText(ended)]).toEqual([title, text]);
  });

  it.each<[Cancellation | undefined, string]>([
    [undefined, "Cancel this job?"],
    [{ step: "asking" }, "Canceling the job"],
    [{ step: "asked", at: 1 }, "Canceling the job"],
    [{ step: "sign-in" }, "Canceling the job"],
    [{ step: "refused", why: "no" }, "Job not canceled"],
    [{ step: "unanswered" }, "No answer"],
    [{ step: "unanswered", status: 504 }, "No clear answer"],
    [{ step: "gone" }, "Job gone"],
  ])("is titled by where it is: %#", (progress, title) => {
    expect(titleOf(progress)).toBe(title);
  });
});
