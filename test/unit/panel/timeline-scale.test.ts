import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  barOf,
  lastMinutes,
  pan,
  place,
  ticks,
  windowOf,
  zoom,
} from "../../../src/panel/timeline/timeline-scale.ts";
import { ended, job } from "./panel-jobs.ts";

const WINDOW = { from: 1_000, to: 2_000 };

describe("a bar", () => {
  it.each([
    [ended("a", 1_500), { left: 0, width: 50, queued: 0, isCutLeft: false, isCutRight: false }],
    [
      ended("b", 1_750, { startedAt: 1_500, queuedAt: 1_250 }),
      { left: 25, width: 50, queued: 50, isCutLeft: false, isCutRight: false },
    ],
    [job("c", { startedAt: 500 }), { left: 0, width: 80, queued: 0, isCutLeft: true, isCutRight: false }],
    [
      job("d", { status: "queued", queuedAt: 1_600, startedAt: 1_600 }),
      { left: 60, width: 20, queued: 100, isCutLeft: false, isCutRight: false },
    ],
    [ended("e", 3_000), { left: 0, width: 100, queued: 0, isCutLeft: false, isCutRight: true }],
    [
      ended("f", 1_500, { startedAt: 1_500 }),
      { left: 50, width: 0, queued: 0, isCutLeft: false, isCutRight: false },
    ],
  ])("lies where its job lies in time: %#", (snapshot, bar) => {
    expect(barOf(snapshot, WINDOW, 1_800)).toEqual(bar);
  });
});

describe("the axis", () => {
  it("has round times", () => {
    expect(ticks({ from: 61_500, to: 121_500 }, 5)).toEqual([
      { at: 75_000, left: 22.5 },
      { at: 90_000, left: 47.5 },
      { at: 105_000, left: 72.5 },
      { at: 120_000, left: 97.5 },
    ]);
  });

  it("has the hours of the viewer's clock", () => {
    const hour = 3_600_000;
    const [first] = ticks({ from: 0, to: 20 * hour }, 8, hour / 2);
    expect(first?.at).toBe(2.5 * hour);
  });

  it("never has more than there is room for", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1e11 }), (from, length) => {
        const found = ticks({ from, to: from + length }, 8);
        expect(found.length).toBeLessThanOrEqual(8);
        expect(found.every(({ left }) => left >= 0 && left <= 100)).toBe(true);
      }),
    );
  });
});

describe("a window", () => {
  it("keeps the time under the pointer where it is", () => {
    const zoomed = zoom(WINDOW, 0.5, 0.25);
    expect(zoomed).toEqual({ from: 1_125, to: 1_625 });
    expect(place(1_250, zoomed)).toBe(25);
    expect(zoom(zoomed, 2, 0.25)).toEqual(WINDOW);
  });

  it("does not become too short, too long, or older than time", () => {
    expect(zoom(WINDOW, 1e-9)).toEqual({ from: 1_490, to: 1_510 });
    expect(zoom(WINDOW, 1e9)).toEqual({ from: 0, to: 7 * 24 * 3_600_000 });
    expect(pan(WINDOW, -2)).toEqual({ from: 0, to: 1_000 });
  });

  it("moves", () => {
    expect(pan(WINDOW, 0.2)).toEqual({ from: 1_200, to: 2_200 });
  });

  it("shows all jobs", () => {
    expect(windowOf([ended("a", 2_000), ended("b", 3_000)], 9_000)).toEqual({ from: 960, to: 3_040 });
    expect(windowOf([job("a")], 1_000)).toEqual({ from: 980, to: 1_020 });
    expect(windowOf([], 9_000)).toBeUndefined();
  });

  it("of the last minutes begins with the first job", () => {
    expect(lastMinutes(1, [job("a", { startedAt: 1_000 })], 500_000).from).toBe(440_000);
    expect(lastMinutes(60, [job("a", { startedAt: 400_000 })], 500_000).from).toBe(398_000);
    expect(lastMinutes(60, [job("a", { startedAt: 499_000 })], 500_000).from).toBe(490_000);
    expect(lastMinutes(1, [], 500_000)).toEqual({ from: 440_000, to: 500_000 });
  });
});
