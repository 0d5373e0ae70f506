import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, isBeyond, OLDEST, parseCursor } from "../../../src/event/cursor.ts";

const epochs = fc.string({
  unit: fc.constantFrom(..."abcXYZ0189"),
  minLength: 1,
  maxLength: 40,
});
const sequences = fc.maxSafeNat();

describe("a cursor", () => {
  it("comes back as it went, short and safe in a header", () => {
    fc.assert(
      fc.property(epochs, sequences, (epoch, sequence) => {
        const cursor = formatCursor(epoch, sequence);
        expect(cursor).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
        expect(parseCursor(cursor)).toEqual({ epoch, sequence });
      }),
    );
  });

  it("is nothing that formatCursor would not make", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."a1-0._ \n") })), (text) => {
        const parsed = parseCursor(text);
        if (parsed !== undefined) expect(formatCursor(parsed.epoch, parsed.sequence)).toBe(text);
      }),
    );
  });

  it.each([
    "",
    "-",
    "e",
    "e-",
    "-1",
    "e--1",
    "e-01",
    "e-00",
    "e-1.5",
    "e-1e3",
    "e-0x1",
    "e-+1",
    " e-1",
    "e-1 ",
    "e-1\n",
    "e\n-1",
    "e-1\nid: 2",
    "a-b-1",
    "é-1",
    "e-9007199254740992",
    "e-99999999999999999",
    `${"e".repeat(41)}-1`,
    "e-١",
  ])("is not %j", (text) => {
    expect(parseCursor(text)).toBeUndefined();
  });
});

describe("isBeyond", () => {
  it("follows the order of one epoch", () => {
    fc.assert(
      fc.property(epochs, sequences, sequences, (epoch, a, b) => {
        expect(isBeyond(formatCursor(epoch, a), formatCursor(epoch, b))).toBe(a > b);
      }),
    );
  });

  it.each([
    ["e-1", "f-2"],
    ["e-1", "no cursor"],
    ["no cursor", "e-1"],
  ])("takes %j for a new beginning after %j", (cursor, position) => {
    expect(isBeyond(cursor, position)).toBe(true);
  });

  it("has no cursor that could be taken for the beginning", () => {
    expect(parseCursor(OLDEST)).toBeUndefined();
  });
});
