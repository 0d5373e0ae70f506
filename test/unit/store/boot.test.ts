import { describe, expect, it } from "vitest";
import { currentBoot, isSameBoot } from "../../../src/store/boot.ts";

describe("the run of the system", () => {
  it("is always the same for this process", () => {
    expect(currentBoot()).toMatch(/^([0-9a-f-]{36}|time \d+)$/);
    expect(isSameBoot(currentBoot(), currentBoot())).toBe(true);
  });

  it.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a", "time 1", false],
    // Clocks are set: a minute makes no other boot.
    ["time 1000000", "time 1060000", true],
    ["time 1060000", "time 1000000", true],
    ["time 1000000", "time 1060001", false],
  ])("%s and %s: the same is %s", (one, other, isSame) => {
    expect(isSameBoot(one, other)).toBe(isSame);
  });
});
