import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClock } from "../../fixtures/clock.ts";
import { append, idsOf, openTestLog, readAll, unplaced } from "../../fixtures/sqlite-logs.ts";

const numbered = (count: number, prefix = "") =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe("retention", () => {
  it("by number lets the oldest go, and no more than a thousandth too many", async () => {
    const { log } = await openTestLog({ retention: { maxEvents: 2_000 } });
    for (let batch = 0; batch < 30; batch++) {
      await append(log, ...numbered(100, `${batch}-`));
      const { events } = log.stats();
      expect(events).toBeGreaterThanOrEqual(Math.min((batch + 1) * 100, 1_998));
      expect(events).toBeLessThanOrEqual(2_000);
    }
    expect(readAll(log)).toHaveLength(log.stats().events);
    expect(readAll(log).at(-1)?.event.id).toBe("29-99");
  });

  it("by bytes holds as much as was allowed", async () => {
    const { log } = await openTestLog();
    await append(log, ...numbered(10));
    const each = log.stats().bytes / 10;
    const small = await openTestLog({ retention: { maxBytes: Math.ceil(each * 5.5) } });
    for (const id of numbered(10)) await append(small.log, id);
    expect(idsOf(readAll(small.log))).toEqual(["5", "6", "7", "8", "9"]);
    expect(small.log.stats().bytes).toBeLessThanOrEqual(each * 5.5);
  });

  it("keeps the newest event even when that alone is too much", async () => {
    const { log } = await openTestLog({ retention: { maxBytes: 1 } });
    await append(log, "1");
    await append(log, "2");
    expect(idsOf(readAll(log))).toEqual(["2"]);
  });

  it("by age goes by when an event was appended, not by its own time", async () => {
    const clock = createClock();
    const { log } = await openTestLog({ retention: { maxAgeMs: 10_000 }, now: clock.now });
    await append(log, "1");
    clock.advance(6_000);
    await append(log, "2");
    clock.advance(4_001);
    await append(log, "3");
    expect(idsOf(readAll(log))).toEqual(["2", "3"]);
  });

  it("gets over a clock that was ahead for a while", async () => {
    const clock = createClock();
    const { log } = await openTestLog({ retention: { maxAgeMs: 10_000 }, now: clock.now });
    clock.advance(1_000_000);
    await append(log, "from the future");
    clock.advance(-1_000_000);
    await append(log, "1");
    clock.advance(5_000);
    await append(log, "2");
    expect(idsOf(readAll(log))).toEqual(["from the future", "1", "2"]);
    clock.advance(1_010_001);
    await append(log, "3");
    expect(idsOf(readAll(log))).toEqual(["3"]);
  });

  it("takes a bounded number at a time, when bounds have become much narrower", async () => {
    const { log, store } = await openTestLog();
    await append(log, ...numbered(3_000));
    await log.close();
    const narrow = await openTestLog({ store, retention: { maxEvents: 10 } });
    const held: number[] = [];
    for (const id of numbered(7, "later-")) {
      await append(narrow.log, id);
      held.push(narrow.log.stats().events);
    }
    expect(held.slice(0, 3)).toEqual([3_001 - 512, 3_002 - 1_024, 3_003 - 1_536]);
    expect(held.at(-1)).toBe(10);
  });

  it("takes the index along, and reuses the room in the file", async () => {
    const { log, store } = await openTestLog({ retention: { maxEvents: 1_000 } });
    const count = (table: string) => Number(store.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
    const pages = () => Number(store.prepare("PRAGMA page_count").get()?.page_count);
    for (let batch = 0; batch < 20; batch++) await append(log, ...numbered(100, `${batch}-`));
    const grown = pages();
    for (let batch = 20; batch < 100; batch++) await append(log, ...numbered(100, `${batch}-`));
    expect(pages()).toBeLessThanOrEqual(grown * 1.1);
    expect(count("event_blocks")).toBeLessThanOrEqual(1_000 / 256 + 1);
    expect(readAll(log).map((record) => record.cursor)).toHaveLength(count("events"));
    const { records } = log.read({ filter: { types: ["orchestra.error"] }, limit: 2_000 });
    expect(records).toHaveLength(count("events"));
  });

  it("takes an id again that it has let go", async () => {
    const { log } = await openTestLog({ retention: { maxEvents: 1 } });
    await append(log, "1", "2");
    expect((await append(log, "1"))[0]).toBeDefined();
  });
});

describe("retention of a log that nobody appends to", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("keeps no other process waiting while there is nothing to remove", async () => {
    const { store } = await openTestLog({ pollIntervalMs: 10 });
    let transactions = 0;
    store.onCommit(() => void transactions++);
    vi.advanceTimersByTime(100);
    expect(transactions).toBe(0);
    const { log } = await openTestLog({ store, pollIntervalMs: 10 });
    await append(log, "1");
    transactions = 0;
    vi.advanceTimersByTime(100);
    // Each of the two looks once what is oldest.
    expect(transactions).toBeLessThanOrEqual(2);
  });

  it("goes on by itself", async () => {
    const { log } = await openTestLog({ retention: { maxAgeMs: 60_000 } });
    await log.append(numbered(1_000).map(unplaced));
    vi.advanceTimersByTime(50_000);
    await append(log, "young");
    expect(log.stats().events).toBe(1_001);
    vi.advanceTimersByTime(10_300);
    expect(idsOf(readAll(log))).toEqual(["young"]);
  });
});
