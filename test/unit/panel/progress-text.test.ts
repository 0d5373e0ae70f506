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
])("tells of the progress %j", (progress, percent, text) => {
  const whole = { updatedAt: 1, message: "", ...progress };
  expect([percentOf(whole), progressText(whole)]).toEqual([percent, text]);
});
