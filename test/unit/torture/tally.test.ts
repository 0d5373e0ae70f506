import { describe, expect, it } from "vitest";
import { Crowd, sumOf } from "../../torture/crowd.ts";
import { percentile } from "../../torture/percentile.ts";

describe("tallies", () => {
  it("of two crowds are added, but for the position that all have reached", () => {
    const empty = new Crowd().tally();
    const one = { ...empty, clients: 2, holes: 1, position: 7, retries: [1_000, 2_000] };
    const other = { ...empty, clients: 3, doubles: 2, position: 5, retries: [3_000] };
    expect(sumOf([one, other])).toEqual({
      ...empty,
      clients: 5,
      holes: 1,
      doubles: 2,
      position: 5,
      retries: [1_000, 2_000, 3_000],
    });
  });
});

describe("a percentile", () => {
  it.each([
    [0.5, 3],
    [0.99, 5],
    [0, 1],
    [1, 5],
  ])("of %f", (share, expected) => {
    expect(percentile([5, 3, 1, 4, 2], share)).toBe(expected);
  });

  it("of nothing is 0", () => {
    expect(percentile([], 0.5)).toBe(0);
  });
});
