import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COMMANDS } from "../../../src/cli/run.ts";

const document = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");

/** `## name` up to the next heading of its level. */
function section(name: string): string {
  return document.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
}

const flagsOf = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, flag]) => flag);

test.each(COMMANDS)("docs/cli.md lists the flags of $name, as its help does", ({ name, help }) => {
  const documented = flagsOf(section(name), /^\| `(--[a-z-]+(?: [A-Z]+)?)` \|/gm);

  expect(documented).toEqual(flagsOf(help, /^ {2}(--[a-z-]+(?: [A-Z]+)?) /gm));
});

test("docs/cli.md shows how each command is called", () => {
  for (const { name, help } of COMMANDS) {
    const [, usage] = /^Usage: (.+)$/m.exec(help) ?? [];
    expect(section(name)).toContain(`\`${usage}\``);
  }
});
