import { join } from "node:path";
import type { Cursor, UnplacedEvent } from "../../../src/event/event-log.ts";
import { createSqliteEventLog, type SqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { jobEvents } from "./events.ts";

const REPLAYED = 10_000;
const BATCH = 1_000;

/** Milliseconds, round by round: a small log's and a large one's. */
export interface ReadCosts {
  replaySmall: number[];
  replayLarge: number[];
  oneJobLarge: number[];
  openEmpty: number[];
  openLarge: number[];
}

export async function readCosts(
  folder: string,
  { largeEvents, rounds }: { largeEvents: number; rounds: number },
): Promise<ReadCosts> {
  const [empty, small, large] = ["empty.db", "small.db", "large.db"].map((name) => join(folder, name));
  await fill(empty as string, 0);
  const smallEnd = await fill(small as string, REPLAYED);
  const largeEnd = await fill(large as string, largeEvents);
  const costs: ReadCosts = {
    replaySmall: [],
    replayLarge: [],
    oneJobLarge: [],
    openEmpty: [],
    openLarge: [],
  };
  for (let round = 0; round < rounds; round++) {
    costs.openEmpty.push((await opened(empty as string)).ms);
    costs.openLarge.push((await opened(large as string)).ms);
    costs.replaySmall.push(await replayed(small as string, smallEnd.lastTenThousand));
    costs.replayLarge.push(await replayed(large as string, largeEnd.lastTenThousand));
    costs.oneJobLarge.push(await oneJob(large as string, largeEnd.someJob));
  }
  return costs;
}

async function withLog<T>(file: string, use: (log: SqliteEventLog) => T): Promise<T> {
  const store = await openStore({ file, synchronous: "off" });
  const log = createSqliteEventLog({ store, retention: { maxBytes: 2 ** 40 } });
  try {
    return use(log);
  } finally {
    await log.close();
    store.close();
  }
}

async function fill(file: string, count: number): Promise<{ lastTenThousand: Cursor; someJob: string }> {
  return withLog(file, (log) => {
    let lastTenThousand = log.bounds().latest;
    let someJob = "";
    let batch: UnplacedEvent[] = [];
    let made = 0;
    for (const unplaced of jobEvents(count)) {
      batch.push(unplaced);
      made++;
      if (made === Math.ceil(count / 2)) someJob = (unplaced.event.data as { jobId: string }).jobId;
      if (batch.length < BATCH) continue;
      log.append(batch);
      batch = [];
      if (made === count - REPLAYED) lastTenThousand = log.bounds().latest;
    }
    return { lastTenThousand, someJob };
  });
}

async function opened(file: string): Promise<{ ms: number }> {
  const begin = performance.now();
  const ms = await withLog(file, (log) => {
    log.bounds();
    return performance.now() - begin;
  });
  return { ms };
}

async function replayed(file: string, after: Cursor): Promise<number> {
  return withLog(file, (log) => {
    // What is measured is reading, not the first touch of a connection.
    log.read({ after, limit: 10 });
    const begin = performance.now();
    let position = after;
    for (let count = 0; count < REPLAYED; ) {
      const { records, next } = log.read({ after: position });
      count += records.length;
      position = next;
    }
    return performance.now() - begin;
  });
}

async function oneJob(file: string, jobId: string): Promise<number> {
  return withLog(file, (log) => {
    const begin = performance.now();
    let after: Cursor | undefined;
    for (;;) {
      const { next } = log.read({ after, filter: { jobIds: [jobId] } });
      if (next === after) return performance.now() - begin;
      after = next;
    }
  });
}
