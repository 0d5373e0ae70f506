import { expect, it } from "vitest";
import { type Progress, percentOf, progressText } from "../../../src/panel/text/progress-text.ts";

it.each<[Partial<Progress>, number | undefined, string]>([
  [{ message: "compiling" }, undefined, "compiling"],
  [{ message: "", percent: 40.9 }, 40.9, "40 %"],
  [{ message: "a\nb", percent: 120, stage: "build" }, 100, "100 % · build · a"],
  [{ message: "m", current: 1, total: 4, unit: "files" }, 25, "25 % · 1 of 4 files · m"],
  [{ message: "m", current: 1_200 }, undefined, "1,200 · m"],
  [{ message: "m", current: 1, total: 0 }, undefined, "1 · m"],
  [{ message: "m", percent: -1 }, 0, "0 % · m"],
  [{ message: "m", percent: (57 / 100) * 100 }, (57 / 100) * 100, "57 % · m"],
  // What the message says already is not said before it.
  [{ message: "step 3", stage: "step" }, undefined, "step 3"],
  [
    { message: "Waiting for Permission: bash", stage: "permission" },
    undefined,
    "Waiting for Permission: bash",
  ],
  [{ message: "bash", stage: "tool", current: 2, unit: "tools" }, undefined, "2 tools · bash"],
  [{ message: "footsteps", stage: "step" }, undefined, "step · footsteps"],
  [{ message: "code review of a.ts", stage: "code review" }, undefined, "code review of a.ts"],
  [{ message: "step 3\nbuild", stage: "build" }, undefined, "build · step 3"],
  [{ message: "a 🔨 b", stage: "🔨" }, undefined, "🔨 · a 🔨 b"],
  // What turns a text around would turn what follows it, too.
  [{ message: "m", current: 1, unit: "\u202efiles", stage: "\u2067build" }, undefined, "1 files · build · m"],
])("tells of the progress %j", (progress, percent, text) => {
  const whole = { updatedAt: 1, message: "", ...progress };
  expect([percentOf(whole), progressText(whole)]).toEqual([percent, text]);
});
