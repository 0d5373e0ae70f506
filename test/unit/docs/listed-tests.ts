import { readFileSync } from "node:fs";

/** A page that names tests as T1, T2 and so on, and what is wrong with the list of them at its end. */
export interface ListedTests {
  /** Rows whose test is not where they say. */
  missing: string[];
  /** Numbers as they are listed, and as they should be. */
  listed: string[];
  expected: string[];
  /** Numbers that the text before the list uses. */
  used: Set<string>;
}

/** @param letter what the numbers begin with */
export function listedTests(page: string, letter: string): ListedTests {
  const [text = "", list = ""] = page.split("\n## Tests\n");
  const row = new RegExp(`^\\| (${letter}\\d+) \\| (.+) \\| \`(test/.+)\` \\|$`, "gm");
  const rows = [...list.matchAll(row)];
  const missing = rows.filter(([, , title = "", file = ""]) => !sourceOf(file).includes(`"${title}"`));
  return {
    missing: missing.map(([line]) => line),
    listed: rows.map(([, name = ""]) => name),
    expected: rows.map((_, index) => `${letter}${index + 1}`),
    used: new Set(text.match(new RegExp(`\\b${letter}\\d+\\b`, "g"))),
  };
}

function sourceOf(file: string): string {
  return readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
}
