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
