import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EventRecord } from "../../../src/event/event-log.ts";
import type { SqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { append, idsOf, openTestLog, readAll, unplaced } from "../../fixtures/sqlite-logs.ts";

const POLL_MS = 100;

/** Two logs on one file, as two processes have them, and what the first is told of. */
async function openPair() {
  const ours = await openTestLog({ pollIntervalMs: POLL_MS });
  const theirs = await openTestLog({ file: ours.file, pollIntervalMs: POLL_MS });
  const seen: EventRecord[] = [];
  const unwatch = ours.log.watch((records) => seen.push(...records));
  return { ours: ours.log, theirs: theirs.log, seen, unwatch, store: ours.store };
}

async function appendMany(log: SqliteEventLog, count: number, prefix: string): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const size = Math.min(500, count - from);
    await log.append(Array.from({ length: size }, (_, index) => unplaced(`${prefix}${from + index}`)));
  }
}

describe("a log that others write, too", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("hands over what they appended before an append of ours that comes after it", async () => {
    const { ours, theirs, seen } = await openPair();
    await append(ours, "1");
    await append(theirs, "2", "3");
    expect(idsOf(seen)).toEqual([]);
    const cursors = ours.append([unplaced("4")]);
    expect(Array.isArray(cursors)).toBe(true);
    expect(idsOf(seen)).toEqual(["2", "3"]);
    expect(readAll(ours).map((record) => record.cursor)).toEqual(
      readAll(theirs).map((record) => record.cursor),
    );
    expect(idsOf(readAll(theirs))).toEqual(["1", "2", "3", "4"]);
    expect(seen).toEqual(readAll(ours).slice(1, 3));
  });

  it("hands over the rest when it next looks, once", async () => {
    const { ours, theirs, seen } = await openPair();
    await append(theirs, "1");
    await append(ours, "2");
    await append(theirs, "3");
    vi.advanceTimersByTime(POLL_MS);
    await append(theirs, "4");
    vi.advanceTimersByTime(3 * POLL_MS);
    expect(idsOf(seen)).toEqual(["1", "3", "4"]);
  });

  it("begins with what is appended after watching began, and ends when told so", async () => {
    const { ours, theirs, seen, unwatch } = await openPair();
    unwatch();
    await append(theirs, "nobody watches");
    vi.advanceTimersByTime(POLL_MS);
    const again = ours.watch((records) => seen.push(...records));
    await append(theirs, "1");
    vi.advanceTimersByTime(POLL_MS);
    again();
    await append(theirs, "2");
    vi.advanceTimersByTime(POLL_MS);
    expect(idsOf(seen)).toEqual(["1"]);
  });

  it("finds an id that another has written", async () => {
    const { ours, theirs, seen } = await openPair();
    await append(theirs, "1");
    expect(await append(ours, "1", "2")).toEqual([undefined, expect.any(String)]);
    expect(idsOf(seen)).toEqual(["1"]);
  });

  it("works for two logs on one store, too", async () => {
    const { seen, store } = await openPair();
    const sibling = await openTestLog({ store });
    await append(sibling.log, "1");
    vi.advanceTimersByTime(POLL_MS);
    expect(idsOf(seen)).toEqual(["1"]);
  });

  it("catches up page by page before it appends, when it is far behind", async () => {
    const { ours, theirs, seen } = await openPair();
    const pages: number[] = [];
    ours.watch((records) => pages.push(records.length));
    await appendMany(theirs, 2_500, "theirs-");
    const appended = ours.append([unplaced("ours")]);
    expect(appended).toBeInstanceOf(Promise);
    expect(await appended).toEqual([ours.bounds().latest]);
    expect(pages).toEqual([1_000, 1_000, 500]);
    expect([...idsOf(seen), "ours"]).toEqual(idsOf(readAll(ours)));
  });

  it("catches up page by page without an append, without holding up the thread", async () => {
    const { ours, theirs, seen } = await openPair();
    const done = new Promise<void>((resolve) => {
      ours.watch(() => seen.length === 2_500 && resolve());
    });
    await appendMany(theirs, 2_500, "theirs-");
    vi.advanceTimersByTime(POLL_MS);
    expect(seen).toHaveLength(1_000);
    await done;
    expect(idsOf(seen)).toEqual(idsOf(readAll(ours)));
  });

  it("goes on when a listener throws, and with the others", async () => {
    const { ours, theirs, seen } = await openPair();
    ours.watch(() => {
      throw new Error("listener");
    });
    const last: EventRecord[] = [];
    ours.watch((records) => last.push(...records));
    await append(theirs, "1");
    expect(await append(ours, "2")).toEqual([expect.any(String)]);
    expect([idsOf(seen), idsOf(last)]).toEqual([["1"], ["1"]]);
    expect(ours.stats().lastError).toBe("listener");
  });

  it("goes on looking after it could not", async () => {
    const { theirs, seen, ours, store } = await openPair();
    store.exec("ALTER TABLE events RENAME TO elsewhere");
    vi.advanceTimersByTime(2 * POLL_MS);
    expect(ours.stats().failures.read).toBe(2);
    store.exec("ALTER TABLE elsewhere RENAME TO events");
    await append(theirs, "1");
    vi.advanceTimersByTime(POLL_MS);
    expect(idsOf(seen)).toEqual(["1"]);
  });
});
