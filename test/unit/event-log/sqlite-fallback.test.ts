import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseCursor } from "../../../src/event/cursor.ts";
import type { Cursor, EventRecord } from "../../../src/event/event-log.ts";
import type { Store } from "../../../src/store/store.ts";
import { append, idsOf, openTestLog, readAll, unplaced } from "../../fixtures/sqlite-logs.ts";
import { errorFrom } from "../../fixtures/thrown.ts";

const POLL_MS = 100;
/** After this long the first attempt to write again has been made. */
const RETRY_MS = 10 * POLL_MS;

/** No more than what the file has. */
function fill(store: Store): void {
  const { page_count: pages } = store.prepare("PRAGMA page_count").get() as { page_count: number };
  store.exec(`PRAGMA max_page_count = ${pages}`);
}

function empty(store: Store): void {
  store.exec("PRAGMA max_page_count = 1000000");
}

const BIG = "x".repeat(20_000);
/** Too big for what room there may be in the file. */
const big = (id: string) => {
  const { event } = unplaced(id);
  const data = { ...event.data, message: BIG };
  return { event: { ...event, data } as typeof event, json: JSON.stringify({ ...event, data }) };
};

async function openFullLog(options: Parameters<typeof openTestLog>[0] = {}) {
  const warnings: string[] = [];
  const opened = await openTestLog({
    pollIntervalMs: POLL_MS,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  const [before] = await append(opened.log, "before");
  fill(opened.store);
  return { ...opened, warnings, before: before as Cursor };
}

const sequenceOf = (cursor: Cursor | undefined) => parseCursor(cursor ?? "")?.sequence ?? Number.NaN;

describe("a log whose file cannot be written", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("goes on from memory, in order, and says so once", async () => {
    const { log, before, warnings, file } = await openFullLog();
    const cursors = [...(await log.append([big("1"), big("2")])), ...(await append(log, "3"))];
    expect(cursors.map((cursor) => parseCursor(cursor ?? "")?.epoch)).toEqual(
      Array(3).fill(parseCursor(before)?.epoch),
    );
    expect(cursors.map(sequenceOf)).toEqual([...cursors.map(sequenceOf)].sort((a, b) => a - b));
    expect(sequenceOf(cursors[0])).toBeGreaterThan(sequenceOf(before) + 2 ** 32);
    expect(warnings).toEqual([expect.stringContaining(`${file} cannot be written`)]);
    expect(log.stats()).toMatchObject({
      degraded: true,
      waiting: 3,
      failures: { write: 1 },
      lastError: expect.stringContaining("full"),
    });
  });

  it("is read as one: the file, then the memory", async () => {
    const { log, before } = await openFullLog();
    const cursors = await log.append([big("1"), big("2"), big("3")]);
    expect(log.bounds()).toEqual({ oldest: before, latest: cursors[2] });
    expect(idsOf(readAll(log, 1))).toEqual(["before", "1", "2", "3"]);
    expect(idsOf(log.read({ after: before, limit: 2 }).records)).toEqual(["1", "2"]);
    expect(idsOf(log.read({ after: cursors[1] }).records)).toEqual(["3"]);
    expect(log.read({ after: cursors[2] })).toEqual({ records: [], next: cursors[2], gap: undefined });
    const filtered = log.read({ filter: { types: ["orchestra.job.*"] } });
    expect(filtered).toMatchObject({ records: [], next: cursors[2] });
  });

  it("tells a reader whose place is none", async () => {
    const { log } = await openFullLog({ maxWaiting: 2 });
    const cursors = await log.append(["1", "2", "3", "4"].map(big));
    const [first, second] = cursors as Cursor[];
    const latest = cursors[3] as Cursor;
    expect(log.read({ after: first }).gap).toBe("evicted");
    expect(log.read({ after: second }).gap).toBeUndefined();
    expect(log.read({ after: latest.replace(/\d+$/, `${sequenceOf(latest) + 1}`) }).gap).toBe("future");
  });

  it("takes each id once", async () => {
    const { log } = await openFullLog();
    await log.append([big("1")]);
    expect(await append(log, "1", "before", "2", "2")).toEqual([
      undefined,
      undefined,
      expect.any(String),
      undefined,
    ]);
  });

  it("writes everything through under the same cursors once it can again, by itself", async () => {
    const { log, store, warnings, file } = await openFullLog();
    const cursors = [...(await log.append([big("1"), big("2")])), ...(await append(log, "3"))];
    vi.advanceTimersByTime(RETRY_MS);
    expect(log.stats()).toMatchObject({ degraded: true, waiting: 3, failures: { write: 2 } });
    empty(store);
    vi.advanceTimersByTime(2 * RETRY_MS);
    expect(log.stats()).toMatchObject({
      degraded: false,
      waiting: 0,
      writtenThrough: 3,
      lostToDisk: 0,
      events: 4,
    });
    expect(warnings.slice(1)).toEqual([expect.stringContaining(`${file} can be written again`)]);
    const later = await append(log, "4");
    expect(sequenceOf(later[0])).toBe(sequenceOf(cursors[2]) + 1);
    const elsewhere = await openTestLog({ file });
    expect(idsOf(readAll(elsewhere.log))).toEqual(["before", "1", "2", "3", "4"]);
    expect(idsOf(elsewhere.log.read({ after: cursors[1] }).records)).toEqual(["3", "4"]);
  });

  it("keeps to its bound, and counts what it could not keep", async () => {
    const { log, store } = await openFullLog({ maxWaiting: 3 });
    await log.append(["1", "2", "3", "4", "5"].map(big));
    expect(log.stats()).toMatchObject({ waiting: 3, lostToDisk: 2 });
    empty(store);
    vi.advanceTimersByTime(RETRY_MS);
    expect(log.stats()).toMatchObject({ waiting: 0, lostToDisk: 2, writtenThrough: 3 });
    expect(idsOf(readAll(log))).toEqual(["before", "3", "4", "5"]);
  });

  it("asks less and less often", async () => {
    const { log } = await openFullLog();
    await log.append([big("1")]);
    vi.advanceTimersByTime(RETRY_MS * (1 + 2 + 4 + 8 + 16 + 32 + 32));
    expect(log.stats().failures.write).toBe(1 + 7);
  });

  it("writes more than a transaction's worth piece by piece", async () => {
    const { log, store } = await openFullLog();
    await log.append([big("first"), ...Array.from({ length: 1_200 }, (_, index) => unplaced(`${index}`))]);
    empty(store);
    vi.advanceTimersByTime(RETRY_MS);
    expect(log.stats()).toMatchObject({ degraded: true, waiting: 701 });
    await append(log, "last");
    vi.advanceTimersByTime(2 * POLL_MS);
    expect(log.stats()).toMatchObject({ degraded: false, waiting: 0 });
    expect(idsOf(readAll(log)).slice(-2)).toEqual(["1199", "last"]);
    expect(readAll(log)).toHaveLength(1_203);
  });
});

describe("a log that cannot be written while another can", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("puts its own behind the other's, and no place it gave away means another's event", async () => {
    const { log, store, file } = await openFullLog();
    const seen: EventRecord[] = [];
    log.watch((records) => seen.push(...records));
    const given = await log.append([big("ours-1"), big("ours-2")]);
    const other = await openTestLog({ file });
    await append(other.log, "theirs-1", "theirs-2");
    vi.advanceTimersByTime(POLL_MS);
    expect(idsOf(seen)).toEqual([]);
    empty(store);
    vi.advanceTimersByTime(RETRY_MS);
    expect(idsOf(seen)).toEqual(["theirs-1", "theirs-2"]);
    const ids = ["before", "theirs-1", "theirs-2", "ours-1", "ours-2"];
    for (const one of [log, other.log]) {
      expect(idsOf(readAll(one))).toEqual(ids);
      const page = one.read({ after: given[0] });
      expect([page.gap, idsOf(page.records)]).toEqual(["future", ids]);
    }
    // Even when the numbers have come to lie between those of the file.
    const leap = sequenceOf(given[1]) + 1;
    store.exec(`UPDATE events SET sequence = ${leap} WHERE id = 'ours-2'`);
    expect(log.read({ after: given[0] }).gap).toBe("epoch");
  });

  it("gives nobody a place that it gave away, when the other writes before all is written through", async () => {
    const { log, store, file } = await openFullLog();
    const ids = Array.from({ length: 700 }, (_, index) => `${index}`);
    const given = [...(await log.append([big("first")])), ...(await append(log, ...ids))];
    empty(store);
    vi.advanceTimersByTime(RETRY_MS);
    expect(log.stats()).toMatchObject({ waiting: 201 });
    const other = await openTestLog({ file });
    await append(other.log, "theirs", "theirs, too");
    const [late] = await append(log, "late");
    vi.advanceTimersByTime(POLL_MS);
    expect(log.stats()).toMatchObject({ waiting: 0, lostToDisk: 0 });
    const before = ["before", "first", ...ids.slice(0, 499)];
    const after = [...ids.slice(499), "late"];
    for (const one of [log, other.log]) {
      expect(idsOf(readAll(one))).toEqual([...before, "theirs", "theirs, too", ...after]);
      const places = [...given.slice(500), late].map((after) => one.read({ after, limit: 1 }));
      expect(new Set(places.map(({ gap }) => gap))).toEqual(new Set(["epoch"]));
      expect(idsOf(one.read({ after: given[499], limit: 2 }).records)).toEqual(["theirs", "theirs, too"]);
    }
  });

  it("shows what the other wrote page by page before its own are written", async () => {
    const { log, store, file } = await openFullLog();
    const seen: EventRecord[] = [];
    log.watch((records) => seen.push(...records));
    await log.append([big("ours")]);
    const other = await openTestLog({ file });
    await other.log.append(Array.from({ length: 1_500 }, (_, index) => unplaced(`theirs-${index}`)));
    empty(store);
    await log.flush();
    expect(seen).toHaveLength(1_500);
    expect(idsOf(readAll(log)).at(-1)).toBe("ours");
    expect(log.stats().degraded).toBe(false);
  });

  it("does not write twice what the other has written meanwhile", async () => {
    const { log, store, file } = await openFullLog();
    await log.append([big("1"), big("2")]);
    const other = await openTestLog({ file });
    await append(other.log, "1");
    empty(store);
    await log.flush();
    expect(idsOf(readAll(log))).toEqual(["before", "1", "2"]);
  });
});

describe("flushing and closing a log whose file cannot be written", () => {
  it("flushes once it can, and fails until then", async () => {
    const { log, store } = await openFullLog();
    await log.append([big("1")]);
    expect((await errorFrom(() => log.flush())).code).toBe("UNAVAILABLE");
    empty(store);
    await log.flush();
    expect(log.stats()).toMatchObject({ degraded: false, writtenThrough: 1 });
  });

  it("closes all the same, and counts what is lost", async () => {
    const { log } = await openFullLog();
    await log.append([big("1"), big("2")]);
    await log.close();
    expect(log.stats()).toMatchObject({ degraded: false, waiting: 0, lostToDisk: 2 });
    expect((await errorFrom(async () => log.append([]))).code).toBe("CLOSED");
  });

  it("goes on from memory even when it cannot be read either", async () => {
    const { log, store } = await openFullLog();
    store.exec("ALTER TABLE events RENAME TO elsewhere");
    const [first, second] = await append(log, "1", "2");
    expect(sequenceOf(second)).toBe(sequenceOf(first) + 1);
    expect(log.stats()).toMatchObject({ degraded: true, waiting: 2 });
  });
});
