import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitText, painter, plainText, textWidth, write } from "../../../src/cli/terminal.ts";
import { MemoryTerminal } from "./cli-context.ts";

describe("texts of others", () => {
  test.each([
    ["\x1b[31mred\x1b[0m", "red"],
    ["\x1b]0;title\x07text", "text"],
    ["a\r\nb\tc\x00", "a b c "],
    ["\u009b31mred", "red"],
    ["user\u202etxt.exe", "usertxt.exe"],
    ["half \ud800", "half \ufffd"],
  ])("%j is shown as %j", (text, shown) => {
    expect(plainText(text)).toBe(shown);
  });

  test("cannot control a terminal, whatever they are made of", () => {
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom("\x1b", "\x1b[", "\x1b]0;", "\x07", "\u009b", "31m", "\u202e", "\r"),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const shown = plainText(pieces.join(""));
        expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("width", () => {
  test.each([
    ["build", 5],
    ["編譯", 4],
    ["👩‍👩‍👧", 2],
    ["e\u0301", 1],
    ["✔\ufe0f", 2],
    ["━─", 2],
    ["\u200b", 0],
  ])("of %j is %d columns", (text, columns) => {
    expect(textWidth(text)).toBe(columns);
  });

  test.each([
    ["build", 5, "build"],
    ["build", 4, "bui…"],
    ["編譯器", 4, "編…"],
    ["編譯器", 5, "編譯…"],
    ["build", 1, "…"],
    ["build", 0, ""],
    ["build", -3, ""],
  ])("%j in %d columns is %j", (text, columns, fitted) => {
    expect(fitText(text, columns)).toBe(fitted);
  });

  test("is never exceeded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 30 }), (text, columns) => {
        expect(textWidth(fitText(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe("colours", () => {
  test("are for terminals", () => {
    expect(painter(new MemoryTerminal({ isTTY: true }), {})("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(painter(new MemoryTerminal(), {})("red", "x")).toBe("x");
  });

  test("stay away when NO_COLOR is set and not empty", () => {
    const terminal = new MemoryTerminal({ isTTY: true });

    expect(painter(terminal, { NO_COLOR: "1" })("red", "x")).toBe("x");
    expect(painter(terminal, { NO_COLOR: "" })("red", "x")).toBe("\x1b[31mx\x1b[39m");
  });
});

test("writing to a reader that has gone rejects", async () => {
  const terminal = new MemoryTerminal();
  terminal.on("error", () => {});
  terminal.destroy(Object.assign(new Error("gone"), { code: "EPIPE" }));

  await expect(write(terminal, "text")).rejects.toThrow();
});
