import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeEvent, encodeJson } from "../../../src/event/event-json.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { HOSTILE_TEXT, HOSTILE_VALUES, hostileEvents } from "../../fixtures/hostile-events.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const bigintAnd = (value: unknown) => JSON.parse(encodeJson({ force: 1n, value })).value;

describe("encodeJson", () => {
  it("is JSON.stringify for what JSON can hold", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(encodeJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("always yields JSON that a parser takes", () => {
    const hostile = fc.constantFrom(...HOSTILE_VALUES);
    const anything = fc.anything({
      values: [fc.string({ unit: "binary" }), fc.double(), fc.bigInt(), fc.boolean(), hostile],
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      withBoxedValues: true,
      maxDepth: 2,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const json = encodeJson(value);
        expect(() => JSON.parse(json)).not.toThrow();
        // One line, whole code points only: it fits any frame and any UTF-8 writer.
        expect(json).not.toMatch(/[\n\r\0]/);
        expect(json.isWellFormed()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([undefined, () => 1, Symbol("s")])("is null for %o", (value) => {
    expect(encodeJson(value)).toBe("null");
  });

  it("is null for a value that comes to nothing at its second try", () => {
    let tries = 0;
    const toJSON = () => {
      if (tries++ === 0) throw new Error("first");
    };
    expect(encodeJson({ toJSON })).toBe("null");
  });

  it("puts a text where JSON has no value", () => {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    expect(JSON.parse(encodeJson({ id: 10n ** 20n }))).toEqual({ id: "100000000000000000000" });
    expect(JSON.parse(encodeJson(cycle))).toEqual([{ cycle: "[Circular]" }]);
    expect(JSON.parse(encodeJson(HOSTILE_VALUES[8]))).toBe("[Unserializable]");
    expect(JSON.parse(encodeJson(HOSTILE_VALUES[9]))).toEqual({ x: "[Unserializable]" });
    expect(JSON.parse(encodeJson(HOSTILE_VALUES[10]))).toBe("[Unserializable]");
  });

  it("keeps everything else beside it", () => {
    const shared = { a: 1 };
    expect(bigintAnd({ date: new Date(0), list: [1, null, "x"], one: shared, two: shared })).toEqual({
      date: "1970-01-01T00:00:00.000Z",
      list: [1, null, "x"],
      one: { a: 1 },
      two: { a: 1 },
    });
    const self = { a: 1, toJSON: () => self };
    expect(bigintAnd(self)).toEqual({ a: 1 });
    const own = JSON.parse('{"__proto__":{"x":1}}');
    expect(Object.hasOwn(bigintAnd(own), "__proto__")).toBe(true);
  });

  it("stops where it is too deep to be worth its bytes", () => {
    let deep: unknown = 1n;
    for (let level = 0; level < 100_000; level++) deep = { deep };
    const json = encodeJson(deep);
    expect(json).toContain("[Too deep]");
    expect(json.length).toBeLessThan(1_000);
  });

  it("keeps text as it is", () => {
    expect(JSON.parse(encodeJson(HOSTILE_TEXT))).toBe(HOSTILE_TEXT);
  });
});

describe("encodeEvent", () => {
  it("leaves an event that JSON can hold as it is", () => {
    const event = exampleEvent("orchestra.job.completed");
    expect(encodeEvent(event)).toEqual({ event, json: JSON.stringify(event) });
    expect(encodeEvent(event).event).toBe(event);
  });

  it("makes any other what its JSON says, so that nobody meets what JSON cannot hold", () => {
    for (const event of hostileEvents()) {
      const encoded = encodeEvent(event);
      const parsed = JSON.parse(encoded.json);
      expect(parsed.type).toBe(event.type);
      if (encoded.event !== event) expect(encoded.event).toEqual(parsed);
      expect(() => JSON.stringify(encoded.event)).not.toThrow();
    }
  });

  it("makes an event that says itself what it is in JSON just that", () => {
    const event = exampleEvent("orchestra.error");
    const told = { ...event, data: { message: "in other words" } };
    const encoded = encodeEvent(Object.assign({ ...event }, { toJSON: () => told }));
    expect(encoded).toEqual({ event: told, json: JSON.stringify(told) });
    expect(encoded.event).not.toHaveProperty("toJSON");
  });

  it.each<[string, (event: OrchestratorEvent) => unknown]>([
    ["nothing", () => undefined],
    ["null", () => null],
    ["a text", () => "gone"],
    ["a list", () => []],
    ["another type", (event) => ({ ...event, type: "orchestra.nothing" })],
    ["another id", (event) => ({ ...event, id: 7 })],
    [
      "an error",
      () => {
        throw new Error("toJSON");
      },
    ],
  ])("refuses an event whose JSON is %s", (_what, toJson) => {
    const event = exampleEvent("orchestra.error");
    const denying = { ...event, toJSON: () => toJson(event) };
    expect(thrownBy(() => encodeEvent(denying as typeof event)).code).toBe("INVALID_EVENT");
  });
});
