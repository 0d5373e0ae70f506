import { expect, it } from "vitest";
import { type Seen, stretchesOf } from "../../../src/panel/ui/stretches.ts";

const ROWS = ["a", "b", "c", "d", "e", "f"];

it.each<[Seen, string]>([
  [{ first: 0, last: 6 }, "abcdef"],
  [{ first: 2, last: 4 }, "2cd2"],
  [{ first: 2, last: 4, kept: 3 }, "2cd2"],
  [{ first: 2, last: 4, kept: 0 }, "a1cd2"],
  [{ first: 2, last: 4, kept: 1 }, "1bcd2"],
  [{ first: 0, last: 2, kept: 5 }, "ab3f"],
  [{ first: 0, last: 0 }, "6"],
])("of many rows those exist that are seen, and the one that has the focus: %j", (seen, expected) => {
  const stretches = stretchesOf(ROWS, seen);
  expect(stretches.map((stretch) => ("row" in stretch ? stretch.row : stretch.rows)).join("")).toBe(expected);
});
