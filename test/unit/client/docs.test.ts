import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

/** Names of the fields of an interface, as its file declares them. */
function fieldsOf(file: string, name: string): string[] {
  const [, body = ""] =
    new RegExp(`^export interface ${name}\\b.*{\n([\\s\\S]*?)^}`, "m").exec(read(file)) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?:(]/gm)].map(([, field]) => field as string);
}

it("docs/feed.md lists every option of `connect`, and no other", () => {
  const [, section = ""] = /^### connect\(options\)\n([\s\S]*?)^###? /m.exec(read("docs/feed.md")) ?? [];
  const cells = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell as string);
  const options = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, option]) => option));
  const declared = [
    ...fieldsOf("src/client/feed-options.ts", "FeedOptions"),
    ...fieldsOf("src/client/connection.ts", "ConnectionHandlers"),
  ];
  expect(declared).toContain("onEvent");
  expect(options.sort()).toEqual(declared.sort());
});

it("docs/feed.md names everything that a connection has", () => {
  const fields = fieldsOf("src/client/connection.ts", "Connection");
  expect(fields.sort()).toEqual(["close", "closed", "cursor", "state"]);
  for (const field of fields) expect(read("docs/feed.md")).toMatch(new RegExp(`\`${field}(\\(\\))?\``));
});
