import { describe, expect, it } from "vitest";
import { tokenOf } from "../../../src/panel/text/token-hash.ts";

describe("the token of an address", () => {
  it.each([
    ["#token=abc-_123", "abc-_123"],
    ["#token=a%2Fb", "a/b"],
    // Not as an address has it, but as somebody may have typed it.
    ["#token=100%zz", "100%zz"],
    ["#token=", undefined],
    ["#/jobs?q=token=abc", undefined],
    ["", undefined],
  ])("is what stands behind `#token=`: %s", (hash, token) => {
    expect(tokenOf(hash)).toBe(token);
  });
});
