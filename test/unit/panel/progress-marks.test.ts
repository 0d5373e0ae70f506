import { describe, expect, it } from "vitest";
import { ProgressMarks, spread } from "../../../src/panel/timeline/progress-marks.ts";

it("keeps marks that are spread over the whole job", () => {
  const marks = new ProgressMarks();
  for (let time = 1; time <= 1_000; time++) marks.add("a", time);
  const kept = marks.of("a");
  expect(kept.length).toBeLessThanOrEqual(24);
  expect(kept[0]).toBeLessThan(100);
  expect(kept.at(-1)).toBeGreaterThan(900);
});

it("forgets the job that has told of nothing for longest", () => {
  const marks = new ProgressMarks();
  marks.add("first", 1);
  for (let job = 0; job < 1_999; job++) marks.add(`j${job}`, 1);
  marks.add("first", 2);
  marks.add("last", 1);
  expect(marks.of("first")).toEqual([1, 2]);
  expect(marks.of("j0")).toEqual([]);
  expect(marks.of("last")).toEqual([1]);
});

describe("marks to draw", () => {
  it("are all of a few, and some of many", () => {
    expect(spread([], 3)).toEqual([]);
    expect(spread([1, 2, 3], 3)).toEqual([1, 2, 3]);
    expect(spread([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([1, 4, 7]);
  });
});
