import { expect, it } from "vitest";
import { ServerClock } from "../../../src/panel/live/server-clock.ts";

const NOW = Date.UTC(2026, 1, 3, 12, 0, 0);

function clockAfter(answer: { date: string | null; tookMs?: number }): number {
  const clock = new ServerClock(() => NOW);
  clock.learn({ date: answer.date, askedAt: NOW - (answer.tookMs ?? 0), answeredAt: NOW });
  return clock.now() - NOW;
}

const dateAt = (offsetMs: number) => new Date(NOW + offsetMs).toUTCString();

it.each([0, 1_000, -1_000, -2_000])("a clock that is about right is left alone: %i ms", (offset) => {
  expect(clockAfter({ date: dateAt(offset) })).toBe(0);
});

it("a slow answer is no wrong clock", () => {
  expect(clockAfter({ date: dateAt(-6_000), tookMs: 6_000 })).toBe(0);
});

it("a wrong clock is put right to the second", () => {
  expect(clockAfter({ date: dateAt(300_000) })).toBe(300_500);
  expect(clockAfter({ date: dateAt(-300_000), tookMs: 100 })).toBe(-299_450);
});

it.each([null, "", "yesterday"])("without a date nothing is known: %j", (date) => {
  expect(clockAfter({ date })).toBe(0);
});

it("a clock that was set right counts as such again", () => {
  const clock = new ServerClock(() => NOW);
  clock.learn({ date: dateAt(300_000), askedAt: NOW, answeredAt: NOW });
  clock.learn({ date: dateAt(0), askedAt: NOW, answeredAt: NOW });
  expect(clock.now()).toBe(NOW);
});

it("what is known of a clock is not spoiled by an answer that leaves more open", () => {
  let now = NOW;
  const clock = new ServerClock(() => now);
  const learn = (aheadMs: number, tookMs: number) =>
    clock.learn({ date: dateAt(now - NOW + aheadMs), askedAt: now - tookMs, answeredAt: now });
  learn(3_600_000, 0);
  expect(clock.now() - now).toBe(3_600_500);
  now += 20_000;
  learn(3_600_000, 20_000);
  expect(clock.now() - now).toBe(3_600_500);
  // What a slow one has taught is put right by the next.
  learn(7_200_000, 20_000);
  learn(7_200_000, 0);
  expect(clock.now() - now).toBe(7_200_500);
});

it("an answer during which the browser's clock was set back teaches nothing", () => {
  const clock = new ServerClock(() => NOW);
  clock.learn({ date: dateAt(0), askedAt: NOW + 3_600_000, answeredAt: NOW });
  expect(clock.now()).toBe(NOW);
});
