import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../src/event/event.ts";
import { cutNote, wholeText } from "../../../src/panel/job/whole-text.ts";
import { applyJobEvent } from "../../../src/panel/jobs/job-reducer.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

const LONG = `${"x".repeat(8_999)}y`;
const created = (message: string) => jobEvent("orchestra.job.created", "j", { message });
/** As the list holds it. */
const held = (event: JobEvent) => applyJobEvent(undefined, event).message as string;

describe("the whole of a text", () => {
  it("is that of the event, when the list holds its beginning only", () => {
    const events = [created(LONG), jobEvent("orchestra.job.started", "j")];
    expect(wholeText(held(created(LONG)), events, "message")).toBe(LONG);
    const pair = `${"x".repeat(4_094)}😀${"y".repeat(9)}`;
    expect(wholeText(held(created(pair)), [created(pair)], "message")).toBe(pair);
  });

  it("is what the list holds, when no event tells of more", () => {
    const cut = held(created(LONG));
    const other = created(`z${LONG}`);
    const illMade = { ...other, data: { ...other.data, message: 5 } } as unknown as JobEvent;
    for (const events of [[], [other], [illMade]]) expect(wholeText(cut, events, "message")).toBe(cut);
    expect(wholeText("short…", [created("short and more")], "message")).toBe("short…");
  });

  it.each([
    ["short", undefined, undefined],
    ["short", 5, undefined],
    ["short", 90, "The first 5 of 90 characters: the rest did not leave the process."],
    [held(created(LONG)), 9_000, "The first 4,095 of 9,000 characters: the list of jobs holds no more."],
    [held(created(LONG)), undefined, "The first 4,095 characters: the list of jobs holds no more."],
    // All that has left the process, which was less than there was.
    [LONG, 20_000, "The first 9,000 of 20,000 characters: the rest did not leave the process."],
  ])("that is not here is told of, with why: %#", (text, length, note) => {
    expect(cutNote(text, length)).toBe(note);
  });
});
