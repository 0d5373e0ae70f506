import { formatCursor, parseCursor } from "./event/cursor.ts";
import type { Cursor, EventLog } from "./event/event-log.ts";
import type { JobTable } from "./event/job-table.ts";
import { nextTurn } from "./event/next-turn.ts";
import type { SqliteEventLog } from "./event-log/sqlite.ts";

/** Some logs can tell where their last events begin. In others sequences are taken to have no holes. */
export type RecentLog = Pick<EventLog, "read" | "bounds"> & Partial<Pick<SqliteEventLog, "tail">>;

/** Events at the end of a log that a new process reads to know its jobs. */
const RECENT_EVENTS = 10_000;
/** Events read in one turn of the event loop: some milliseconds' worth. */
const PAGE = 500;

/**
 * Tells a job table what a log that was there before it holds of late, up to the end that the log has when
 * this resolves.
 */
export async function fillJobTable(jobs: JobTable, log: RecentLog): Promise<void> {
  let after = await beginningOf(log);
  if (after === undefined) return;
  for (;;) {
    const { records, next } = await log.read({ after, limit: PAGE });
    for (const record of records) jobs.onEvent(record);
    const { latest } = await log.bounds();
    if (next === latest || next === after) return;
    after = next;
    await nextTurn();
  }
}

async function beginningOf(log: RecentLog): Promise<Cursor | undefined> {
  if (log.tail !== undefined) return log.tail(RECENT_EVENTS);
  const { latest } = await log.bounds();
  const end = parseCursor(latest);
  return end && formatCursor(end.epoch, Math.max(0, end.sequence - RECENT_EVENTS));
}
