import { describe, expect, it } from "vitest";
import { RateLimit } from "../../../src/bridge/rate-limit.ts";
import { createClock } from "../../fixtures/clock.ts";

function createLimit() {
  const clock = createClock();
  const each = { burst: 2, perSecond: 1 };
  const all = { burst: 5, perSecond: 2 };
  return { clock, limit: new RateLimit({ each, all, now: clock.now }) };
}

const limited = (retryAfterSeconds: number) =>
  expect.objectContaining({ code: "RATE_LIMITED", retryAfterSeconds });

describe("a rate limit", () => {
  it("counts each source for itself", () => {
    const { limit } = createLimit();
    limit.take("a");
    limit.take("a");
    expect(() => limit.take("a")).toThrow(limited(1));
    expect(() => limit.take("b")).not.toThrow();
  });

  it("lets a source go on after the time that it tells", () => {
    const { clock, limit } = createLimit();
    limit.take("a");
    limit.take("a");
    clock.advance(999);
    expect(() => limit.take("a")).toThrow(limited(1));
    clock.advance(1);
    expect(() => limit.take("a")).not.toThrow();
  });

  it("counts all of them together", () => {
    const { clock, limit } = createLimit();
    for (const source of ["a", "b", "c", "d", "e"]) limit.take(source);
    expect(() => limit.take("f")).toThrow(limited(1));
    clock.advance(500);
    expect(() => limit.take("f")).not.toThrow();
  });

  it("takes nothing from anybody for what it refuses", () => {
    const { clock, limit } = createLimit();
    limit.take("a");
    limit.take("a");
    for (let n = 0; n < 100; n++) expect(() => limit.take("a")).toThrow(limited(1));
    for (const source of ["b", "c", "d"]) limit.take(source);
    clock.advance(1_000);
    expect(() => limit.take("a")).not.toThrow();
  });

  it("tells a source alone whether it has done too much", () => {
    const { limit } = createLimit();
    for (const source of ["a", "a", "b", "c", "d"]) limit.take(source);
    expect(() => limit.check("a")).toThrow(limited(1));
    expect(() => limit.check("b")).not.toThrow();
    expect(() => limit.check("never seen")).not.toThrow();
  });

  it("remembers a bounded number of sources, those that came last", () => {
    const clock = createClock();
    const plenty = { burst: 1e9, perSecond: 1 };
    const limit = new RateLimit({ each: { burst: 1, perSecond: 0.01 }, all: plenty, now: clock.now });
    limit.take("first");
    for (let n = 0; n < 999; n++) limit.take(`source ${n}`);
    expect(() => limit.take("first")).toThrow(limited(100));
    for (let n = 0; n < 100_000; n++) limit.take(`flood ${n}`);
    expect(limit.size).toBe(1_000);
    expect(() => limit.take("flood 99999")).toThrow(limited(100));
  });
});
