import { invalidArgument } from "../errors.ts";
import { isBeyond } from "../event/cursor.ts";
import type { OrchestratorEvent } from "../event/event.ts";
import type { Cursor, EventLog, EventRecord } from "../event/event-log.ts";

export interface JobEventsPage {
  events: OrchestratorEvent[];
  /** Where the next page starts; undefined on the last. */
  next: Cursor | undefined;
}

/** Events of one page, and what they may come to as JSON, in UTF-16 code units. */
const MAX_EVENTS = 1_000;
const MAX_LENGTH = 1024 * 1024;
/** Records read from the log at once. */
const READ_LIMIT = 256;

/**
 * A page of a job's events, from those after `after` up to `last`.
 * @throws INVALID_ARGUMENT when the log cannot go on after `after`
 */
export async function readJobEvents(
  log: EventLog,
  jobId: string,
  { after, last }: { after: Cursor | undefined; last: Cursor },
): Promise<JobEventsPage> {
  const events: OrchestratorEvent[] = [];
  let length = 0;
  let next = after;
  for await (const { cursor, event, json } of recordsOf(log, jobId, after)) {
    if (isBeyond(cursor, last)) break;
    length += json.length;
    const isFull = events.length === MAX_EVENTS || (events.length > 0 && length > MAX_LENGTH);
    if (isFull) return { events, next };
    events.push(event);
    next = cursor;
  }
  return { events, next: undefined };
}

async function* recordsOf(
  log: EventLog,
  jobId: string,
  after: Cursor | undefined,
): AsyncGenerator<EventRecord> {
  const filter = { jobIds: [jobId] };
  for (let position = after; ; ) {
    const { records, next, gap } = await log.read({ after: position, limit: READ_LIMIT, filter });
    if (gap !== undefined && position === after) {
      throw invalidArgument("after", `a cursor to go on from (${gap})`, after);
    }
    yield* records;
    if (records.length === 0 && next === position) return;
    position = next;
  }
}
