import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FifoMap } from "../../src/fifo-map.ts";

type Step = { do: "set" | "renew" | "delete" | "deleteOldest" | "clear"; key: number; value: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("set", "set", "renew", "renew", "delete", "deleteOldest", "clear"),
  key: fc.nat(5),
  value: fc.nat(),
});

/** What each step means, said with a Map, whose keys have the same order. */
function applyToMap(map: Map<number, number>, { do: action, key, value }: Step): void {
  if (action === "clear") map.clear();
  if (action === "delete" || action === "renew") map.delete(key);
  if (action === "set" || action === "renew") map.set(key, value);
  const [oldest] = map.keys();
  if (action === "deleteOldest" && oldest !== undefined) map.delete(oldest);
}

function applyToFifo(fifo: FifoMap<number, number>, { do: action, key, value }: Step): void {
  if (action === "set" || action === "renew") fifo[action](key, value);
  else if (action === "delete") fifo.delete(key);
  else fifo[action]();
}

describe("a FIFO map", () => {
  it("holds what a Map would, in its order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new Map<number, number>();
        const fifo = new FifoMap<number, number>();
        for (const next of steps) {
          applyToMap(map, next);
          applyToFifo(fifo, next);
          const values = [...map.values()];
          expect([...fifo.values()]).toEqual(values);
          expect([fifo.size, fifo.oldest, fifo.get(next.key)]).toEqual([
            map.size,
            values[0],
            map.get(next.key),
          ]);
        }
      }),
    );
  });

  it("tells what came after a key, and of a key it does not hold nothing", () => {
    const fifo = new FifoMap<string, number>();
    for (const [value, key] of ["a", "b", "c"].entries()) fifo.set(key, value);
    expect(fifo.valuesAfter("a")).toEqual([1, 2]);
    expect(fifo.valuesAfter("c")).toEqual([]);
    expect(fifo.valuesAfter("d")).toBeUndefined();
  });

  it("can lose the entry at hand while it is walked over", () => {
    const fifo = new FifoMap<number, number>();
    for (const key of [1, 2, 3]) fifo.set(key, key);
    const seen: number[] = [];
    for (const value of fifo.values()) {
      seen.push(value);
      fifo.delete(value);
    }
    expect([seen, fifo.size]).toEqual([[1, 2, 3], 0]);
  });
});
