import { describe, expect, it } from "vitest";
import { whenIdle } from "../../../src/host/opencode-idle.ts";
import { createClock } from "../../fixtures/clock.ts";

/** Looks come as late as `lags` say, one after the other. */
async function looksUntilIdle(lags: readonly number[]): Promise<number> {
  const clock = createClock(0);
  let looks = 0;
  const schedule = (callback: () => void, delayMs: number) => {
    clock.advance(delayMs + (lags[looks++] ?? 0));
    queueMicrotask(callback);
  };
  await whenIdle({ now: clock.now, schedule });
  return looks;
}

describe("a thread", () => {
  it("is idle when three looks in a row come in time", async () => {
    expect(await looksUntilIdle([])).toBe(3);
    expect(await looksUntilIdle([10, 10, 10])).toBe(3);
    expect(await looksUntilIdle([0, 0, 11, 0, 0, 0])).toBe(6);
  });

  it("is not waited for endlessly", async () => {
    expect(await looksUntilIdle(Array(100).fill(550))).toBe(5);
  });

  it("is looked at by timers that do not hold the process", async () => {
    await expect(whenIdle({ intervalMs: 1, toleranceMs: 60_000 })).resolves.toBeUndefined();
  });
});
