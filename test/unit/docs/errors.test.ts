import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderErrorDocs } from "../../../scripts/docs/error-docs.ts";
import { ERROR_CODES } from "../../../src/errors.ts";

const document = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

describe("docs/errors.md", () => {
  it("is what `npm run docs:events` makes of the code table", () => {
    expect(renderErrorDocs(document)).toBe(document);
  });

  it("lists every code and no other", () => {
    const codes = [...document.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(codes).toEqual(Object.keys(ERROR_CODES));
  });
});
