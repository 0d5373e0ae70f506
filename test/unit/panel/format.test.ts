import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readableDuration } from "../../../exporters/log-text.ts";
import {
  ago,
  amount,
  bytes,
  clock,
  dateTime,
  duration,
  elapsed,
  number,
  percent,
  title,
  when,
} from "../../../src/panel/text/format.ts";

const TIME = new Date(2026, 10, 22, 14, 3, 21, 250).getTime();

describe("texts for people", () => {
  it.each([
    [-5, "0 ms", "0 s"],
    [412.4, "412 ms", "0 s"],
    [999.4, "999 ms", "0 s"],
    [999.5, "1.0 s", "0 s"],
    [3_250, "3.3 s", "3 s"],
    [59_949, "59.9 s", "59 s"],
    [59_999, "1 min 0 s", "59 s"],
    [64_000, "1 min 4 s", "1 min 4 s"],
    [7_500_000, "2 h 5 min", "2 h 5 min"],
    [7_259_600, "2 h 1 min", "2 h 0 min"],
    [273_600_000, "76 h 0 min", "76 h 0 min"],
  ])("%d ms took %s and has been going on for %s", (ms, took, since) => {
    expect([duration(ms), elapsed(ms)]).toEqual([took, since]);
  });

  it("how long something took is what log lines and the terminal say", () => {
    const anyTime = fc.oneof(
      fc.nat(),
      fc.nat({ max: 70_000 }),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
    );
    fc.assert(
      fc.property(anyTime, (ms) => {
        expect(duration(ms)).toBe(readableDuration(ms));
      }),
    );
  });

  it.each([
    [ago(4_999), "just now"],
    [ago(65_000), "1 min 5 s ago"],
    [number(12_345.5), "12,345.5"],
    [amount(1, "job"), "1 job"],
    [amount(2_000, "job"), "2,000 jobs"],
    [amount(2, "is", "are"), "2 are"],
    [bytes(999), "999 B"],
    [bytes(1_250_000), "1.3 MB"],
    [bytes(5e15), "5000.0 TB"],
    [percent(0.125), "12.5 %"],
    [percent(1), "100 %"],
    [percent(0.9999), "99.9 %"],
    [title("\n  \n Fix it \nnow"), "Fix it"],
    [title(undefined), "Untitled job"],
    [title(" \n", "none"), "none"],
    // Nothing of it could be seen, or be hit by a pointer.
    [title("\u200b\u2060\u3164\u0007\n\u202e\nx"), "x"],
    // What turns a text around would turn what follows it, too.
    [title("a\u202etxt.exe\u2066b\r\u2028c"), "a txt.exe b  c"],
    [title("👩\u200d💻 \u05e9\u05dc\u05d5\u05dd\u200f"), "👩\u200d💻 \u05e9\u05dc\u05d5\u05dd\u200f"],
    [clock(TIME), "14:03:21"],
    [dateTime(TIME), "22 Nov 2026, 14:03:21.250"],
    [when(TIME, TIME + 1_000), "14:03:21"],
    [when(TIME, TIME + 86_400_000), "22 Nov 2026"],
    [clock(Number.NaN), "—"],
    [dateTime(-1), "—"],
    [when(9e15, TIME), "—"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});
