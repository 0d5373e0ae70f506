import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { listedTests } from "./listed-tests.ts";

const page = readFileSync(new URL("../../../docs/security.md", import.meta.url), "utf8");

it("docs/security.md names tests that there are, each of them used", () => {
  const { missing, listed, expected, used } = listedTests(page, "S");
  expect(missing).toEqual([]);
  expect(listed).toEqual(expected);
  expect(used).toEqual(new Set(listed));
  expect(listed.length).toBeGreaterThan(40);
});
