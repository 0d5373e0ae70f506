import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../../src/event/event-json.ts";
import { createMemoryEventLog, type MemoryEventLogOptions } from "../../../src/event-log/memory.ts";
import { describeEventLog } from "../../conformance/event-log.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

describeEventLog("the memory log", (options) => createMemoryEventLog(options));

const unplaced = (id: string) => encodeEvent(exampleEvent("orchestra.error", id));
const LENGTH = unplaced("0").json.length;

async function heldIds(options: MemoryEventLogOptions, count: number): Promise<string[]> {
  const log = createMemoryEventLog(options);
  for (let id = 0; id < count; id++) await log.append([unplaced(String(id))]);
  return (await log.read()).records.map((record) => record.event.id);
}

describe("the memory log", () => {
  it("holds at most so many characters of JSON", async () => {
    expect(await heldIds({ maxLength: 3 * LENGTH }, 8)).toEqual(["5", "6", "7"]);
    expect(await heldIds({ maxLength: 3 * LENGTH - 1, capacity: 5 }, 8)).toEqual(["6", "7"]);
  });

  it("keeps its newest record even when that alone is too long", async () => {
    expect(await heldIds({ maxLength: 1 }, 3)).toEqual(["2"]);
  });

  it("knows its bounds after its length, not its capacity, made records go", async () => {
    const log = createMemoryEventLog({ maxLength: LENGTH, epoch: "e" });
    await log.append([unplaced("0"), unplaced("1"), unplaced("2")]);
    expect(await log.bounds()).toEqual({ oldest: "e-3", latest: "e-3" });
    expect((await log.read({ after: "e-1" })).gap).toBe("evicted");
    expect((await log.read({ after: "e-2" })).gap).toBeUndefined();
  });

  it("takes an id again that it has let go", async () => {
    const log = createMemoryEventLog({ capacity: 1, epoch: "e" });
    await log.append([unplaced("0"), unplaced("1")]);
    expect(await log.append([unplaced("0"), unplaced("0")])).toEqual(["e-3", undefined]);
  });

  it("has an epoch of its own, so that a restart is never mistaken for it", async () => {
    const epochs = await Promise.all(
      Array.from({ length: 20 }, async () => (await createMemoryEventLog().bounds()).latest),
    );
    expect(new Set(epochs).size).toBe(20);
  });

  it.each<[keyof MemoryEventLogOptions, unknown]>([
    ["capacity", 0],
    ["capacity", 1.5],
    ["capacity", Number.NaN],
    ["maxLength", 0],
    ["maxLength", Number.NaN],
    ["epoch", ""],
    ["epoch", "a-b"],
    ["epoch", "e".repeat(41)],
  ])("refuses a bad `%s`: %o", (option, value) => {
    expect(thrownBy(() => createMemoryEventLog({ [option]: value }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path: option,
    });
  });
});
