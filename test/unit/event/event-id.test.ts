import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventId } from "../../../src/event/event-id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("an event id", () => {
  it("is a UUID v7 for any time, and for what is none", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.maxSafeInteger(), fc.anything()), (timestamp) => {
        expect(createEventId(timestamp as number)).toMatch(UUID_V7);
      }),
    );
  });

  it("carries its time, and so sorts by it", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 48 - 1 }), fc.nat({ max: 2 ** 48 - 1 }), (a, b) => {
        const [idA, idB] = [createEventId(a), createEventId(b)];
        expect(Number.parseInt(idA.replace("-", "").slice(0, 12), 16)).toBe(a);
        if (a !== b) expect(idA < idB).toBe(a < b);
      }),
    );
  });

  it("is unique within a millisecond", () => {
    const ids = Array.from({ length: 10_000 }, () => createEventId(1_767_225_600_000));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("is of now by default", () => {
    const before = Date.now();
    const time = Number.parseInt(createEventId().replace("-", "").slice(0, 12), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });
});
