import { describe, expect, it } from "vitest";
import { HourTally, MINUTE_MS, totalsOf } from "../../../src/panel/jobs/hour-tally.ts";
import { ended, job } from "./panel-jobs.ts";

const NOW = 1_000 * MINUTE_MS + 5_000;

describe("the last hour", () => {
  it("has sixty minutes, the one at hand as the last", () => {
    const minutes = new HourTally(() => NOW).lastHour(NOW);
    expect(minutes).toHaveLength(60);
    expect(minutes.at(-1)?.at).toBe(1_000 * MINUTE_MS);
    expect(minutes[0]?.at).toBe(941 * MINUTE_MS);
    expect(totalsOf(minutes)).toEqual({ ended: 0, failed: 0, failureRate: undefined });
  });

  it("counts how jobs ended in their minute", () => {
    const tally = new HourTally(() => NOW);
    tally.reset([
      ended("a", NOW),
      ended("b", NOW - MINUTE_MS, { status: "failed" }),
      ended("c", NOW - 61 * MINUTE_MS),
      job("d"),
      ended("e", NOW, { finishedAt: undefined }),
    ]);
    tally.add(ended("f", NOW, { status: "canceled" }));
    const minutes = tally.lastHour(NOW);
    expect(minutes.at(-1)).toMatchObject({ succeeded: 1, failed: 0, canceled: 1 });
    expect(minutes.at(-2)).toMatchObject({ succeeded: 0, failed: 1, canceled: 0 });
    expect(totalsOf(minutes)).toEqual({ ended: 3, failed: 1, failureRate: 1 / 3 });
  });

  it("forgets old minutes, in whatever order they were told", () => {
    const tally = new HourTally(() => NOW);
    for (let minute = 0; minute <= 130; minute++) tally.add(ended("a", (1_000 - minute) * MINUTE_MS));
    expect(totalsOf(tally.lastHour(NOW)).ended).toBe(60);
    expect(totalsOf(tally.lastHour(NOW - 120 * MINUTE_MS)).ended).toBeLessThan(60);
  });

  it("has all of the last hour, however far ahead the clock of another worker is", () => {
    let now = NOW;
    const tally = new HourTally(() => now);
    for (let minute = 0; minute < 300; minute++, now += MINUTE_MS) {
      tally.add(ended("a", now));
      tally.add(ended("b", now + 24 * 60 * MINUTE_MS));
      expect(totalsOf(tally.lastHour(now)).ended).toBe(Math.min(60, minute + 1));
    }
  });
});
