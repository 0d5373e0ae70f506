import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wholePercent } from "../../../src/event/whole-percent.ts";

describe("whole percents", () => {
  it.each([
    [0, 0],
    [39.6, 39],
    [99.99, 99],
    [100, 100],
    [(57 / 100) * 100, 57],
  ])("of %d are %d", (percent, whole) => {
    expect(wholePercent(percent)).toBe(whole);
  });

  it("of a count are those that are done, and 100 only of all of it", () => {
    const counts = fc
      .nat({ max: 1_000_000 })
      .chain((total) => fc.tuple(fc.nat({ max: total }), fc.constant(total)));
    fc.assert(
      fc.property(counts, ([current, total]) => {
        fc.pre(total > 0);
        const done = Number((100n * BigInt(current)) / BigInt(total));
        expect(wholePercent((current / total) * 100)).toBe(done);
        expect(done === 100).toBe(current === total);
      }),
    );
  });
});
