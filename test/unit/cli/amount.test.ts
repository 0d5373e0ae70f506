import { expect, test } from "vitest";
import { ageText, bytesText, countText } from "../../../src/cli/amount.ts";

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1_000, "1.0 kB"],
  [82_432, "82.4 kB"],
  [218_392, "218 kB"],
  [1_073_741_824, "1.1 GB"],
  [5e15, "5000 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [-5_000, "1 second"],
  [0, "1 second"],
  [59_999, "59 seconds"],
  [60_000, "1 minute"],
  [7_200_000, "2 hours"],
  [3 * 86_400_000, "3 days"],
])("%d ms are an age of %s", (ms, text) => {
  expect(ageText(ms)).toBe(text);
});

test("a count has its thousands apart and its noun in the plural", () => {
  expect([countText(0, "job"), countText(1, "job"), countText(1_234, "job")]).toEqual([
    "0 jobs",
    "1 job",
    "1,234 jobs",
  ]);
});
