import { expect, it } from "vitest";
import { watchClock } from "../../../src/panel/live/clock-jump.ts";

it("a clock that was set, or stood still for a while, is told of once", () => {
  let [time, steady] = [1_000_000, 0];
  const hasJumped = watchClock({ now: () => time, steady: () => steady });
  const pass = (byClockMs: number, inTruthMs: number) => {
    time += byClockMs;
    steady += inTruthMs;
    return hasJumped();
  };
  expect(pass(1_000, 1_000)).toBe(false);
  expect(pass(3_601_000, 1_000)).toBe(true);
  expect(pass(1_000, 1_000)).toBe(false);
  expect(pass(-7_200_000, 1_000)).toBe(true);
  expect(pass(1_400, 1_000)).toBe(false);
  // Little by little it comes to as much.
  expect([pass(1_400, 1_000), pass(1_400, 1_000)]).toEqual([false, true]);
});
