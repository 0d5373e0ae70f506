import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../src/bridge/token-bucket.ts";

describe("a token bucket", () => {
  it("gives a burst, then one at a time", () => {
    const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
    expect(bucket.waitMs(0)).toBe(500);
    expect(bucket.take(499)).toBe(false);
    expect(bucket.take(500)).toBe(true);
    expect(bucket.take(500)).toBe(false);
  });

  it("fills up to its burst again and no further", () => {
    const bucket = new TokenBucket({ burst: 2, perSecond: 1 }, 0);
    bucket.take(0);
    expect([1, 2, 3].map(() => bucket.take(1_000_000))).toEqual([true, true, false]);
  });

  it("neither gives nor takes when the clock is set back", () => {
    const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, 10_000);
    expect(bucket.take(10_000)).toBe(true);
    expect(bucket.take(5_000)).toBe(false);
    expect(bucket.waitMs(5_000)).toBe(1_000);
    expect(bucket.take(6_000)).toBe(true);
  });

  it("never gives more than its burst and what has come since, whenever it is asked", () => {
    const allowances = fc.record({
      burst: fc.integer({ min: 1, max: 50 }),
      perSecond: fc.double({ min: 0.1, max: 100, noNaN: true }),
    });
    const pauses = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(allowances, pauses, (allowance, gaps) => {
        const bucket = new TokenBucket(allowance, 0);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          if (bucket.take(now)) taken++;
        }
        expect(taken).toBeLessThanOrEqual(allowance.burst + (now * allowance.perSecond) / 1_000 + 1e-6);
      }),
    );
  });

  it("gives one after exactly the time that it told to wait", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1_000, noNaN: true }), (perSecond) => {
        const bucket = new TokenBucket({ burst: 1, perSecond }, 0);
        bucket.take(0);
        expect(bucket.take(bucket.waitMs(0) + 1)).toBe(true);
      }),
    );
  });
});
