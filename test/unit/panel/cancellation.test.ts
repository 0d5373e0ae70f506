import { describe, expect, it } from "vitest";
import { BridgeError } from "../../../src/panel/bridge-api.ts";
import { endText, followed, refusal } from "../../../src/panel/job/cancellation.ts";
import { ended, job } from "./panel-jobs.ts";

describe("a cancellation", () => {
  const succeeded = ended("j", 2_000);

  it.each([
    [{ step: "asked", at: 1 }, job("j"), { step: "asked", at: 1 }],
    [{ step: "asked", at: 1 }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "asking" }, succeeded, { step: "ended", job: succeeded }],
    [{ step: "refused", why: "no" }, succeeded, { step: "refused", why: "no" }],
  ] as const)("follows what becomes of the job: %#", (before, snapshot, after) => {
    expect(followed(before, snapshot)).toEqual(after);
  });

  it.each([
    [401, "UNAUTHORIZED", { step: "sign-in" }],
    [409, "ILLEGAL_TRANSITION", { step: "refused", why: "The job had ended before." }],
    [404, "UNKNOWN_JOB", { step: "refused", why: expect.stringContaining("only hears of the job") }],
    [404, "NOT_FOUND", { step: "refused", why: expect.stringContaining("cannot cancel jobs") }],
    [503, "UNAVAILABLE", { step: "refused", why: "what it says" }],
  ])("that is answered with %i %s says so", (status, code, after) => {
    expect(refusal(new BridgeError("what it says", status, code))).toEqual(after);
  });

  it("does not claim what nobody knows", () => {
    expect(refusal(new TypeError("fetch"))).toMatchObject({ why: expect.stringContaining("may go on") });
  });

  it.each([
    ["canceled", "The job was canceled."],
    ["succeeded", "The job succeeded before it could be canceled."],
    ["failed", "The job failed before it could be canceled."],
    ["running", "The job is running."],
    ["queued", "The job is queued."],
  ] as const)("of a job that is then %s says what it is", (status, text) => {
    expect(endText(job("j", { status }))).toBe(text);
  });
});
