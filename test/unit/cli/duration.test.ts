import { expect, test } from "vitest";
import { parseDuration } from "../../../src/cli/duration.ts";

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["30", 30_000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
])("%s is %d ms", (text, durationMs) => {
  expect(parseDuration("timeout", text)).toBe(durationMs);
});

test.each(["", "0", "0s", "-1s", "1d", "s", "1 s", "1e3s", "Infinity", "600h"])("%j is refused", (text) => {
  expect(() => parseDuration("timeout", text)).toThrow("Option '--timeout' takes a duration");
});
