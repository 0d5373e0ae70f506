import type { JobEvent } from "../../src/event/event.ts";
import { Faults } from "./faults.ts";
import type { FeedReader } from "./feed-reader.ts";
import type { StoredSpan } from "./receiver.ts";
import type { StoredEvent, StoredLog } from "./stored-log.ts";

type Jobs = ReadonlyMap<string, readonly JobEvent[]>;

const ENDS = new Set(["orchestra.job.completed", "orchestra.job.failed", "orchestra.job.canceled"]);

/** Whether the story of each job is whole: created first, one end, revisions without a gap. */
export function auditJobs(jobs: Jobs, seen: Iterable<string>) {
  const faults = new Faults("notExactlyOneTerminal", "disorderedJobs", "negativeDurations");
  for (const jobId of new Set([...jobs.keys(), ...seen])) {
    const events = jobs.get(jobId) ?? [];
    const story = () => `${jobId} ${events.map(({ type, data }) => `${type}/${data.revision}`).join(" ")}`;
    if (events.filter(({ type }) => ENDS.has(type)).length !== 1)
      faults.add("notExactlyOneTerminal", story());
    if (!isInOrder(events)) faults.add("disorderedJobs", story());
    if (events.some(({ data }) => "durationMs" in data && data.durationMs < 0)) {
      faults.add("negativeDurations", story());
    }
  }
  return faults;
}

function isInOrder(events: readonly JobEvent[]): boolean {
  const end = events.findIndex(({ type }) => ENDS.has(type));
  return (
    events[0]?.type === "orchestra.job.created" &&
    events.every(({ data }, index) => data.revision === index) &&
    (end === -1 || events.slice(end + 1).every(({ type }) => type === "orchestra.job.reported"))
  );
}

/** Whether each job has its one span, under the ids that its events tell. */
export function auditSpans(jobs: Jobs, received: readonly StoredSpan[]) {
  const faults = new Faults("spansLost", "spanIdMismatch", "spansWithoutJob", "negativeSpans");
  const spans = Map.groupBy(received.filter(isJobSpan), ({ jobId }) => jobId as string);
  for (const [jobId, events] of jobs) {
    const own = spans.get(jobId);
    if (own === undefined) faults.add("spansLost", jobId);
    else if (!isSpanOf(events, own)) faults.add("spanIdMismatch", `${jobId}: ${JSON.stringify(own)}`);
  }
  for (const span of received) {
    if (span.contents > 1) faults.add("spanIdMismatch", `several contents of ${JSON.stringify(span)}`);
    if (span.jobId !== undefined && !jobs.has(span.jobId))
      faults.add("spansWithoutJob", JSON.stringify(span));
    if (span.durationMs < 0) faults.add("negativeSpans", JSON.stringify(span));
  }
  return faults;
}

function isJobSpan({ workerId, name }: StoredSpan): boolean {
  return workerId !== undefined && name !== "job.started";
}

function isSpanOf(events: readonly JobEvent[], [span, ...others]: readonly StoredSpan[]): boolean {
  const traceparent = `00-${span?.traceId}-${span?.spanId}-01`;
  return others.length === 0 && events.every((event) => event.traceparent === traceparent);
}

/** Spans that came more than once, which is allowed. */
export function duplicatesAmong(received: readonly StoredSpan[]): number {
  return received.reduce((sum, { copies }) => sum + copies - 1, 0);
}

/** Whether what readers have seen is what the log holds: all of it, once, in its order. */
export function auditFeeds(log: StoredLog, readers: readonly FeedReader[]) {
  const faults = new Faults("seenEventsLost", "sseHoles", "sseDoubles", "sseDisorder");
  const digests = new Map(log.events.map(({ cursor, digest }) => [cursor, digest]));
  for (const reader of readers) {
    const seen = cursorsOf(reader, faults);
    for (const { cursor, digest } of reader.events) {
      if (digests.get(cursor) !== digest) faults.add("seenEventsLost", cursor);
    }
    for (const { cursor } of wantedBy(reader, log)) {
      if (!seen.has(cursor)) faults.add("sseHoles", `${cursor} to ${JSON.stringify(reader.query)}`);
    }
  }
  return faults;
}

function cursorsOf({ events, query }: FeedReader, faults: Faults<"sseDoubles" | "sseDisorder">): Set<string> {
  const seen = new Set<string>();
  let previous = -1;
  for (const { cursor } of events) {
    const sequence = Number(cursor.slice(cursor.lastIndexOf("-") + 1));
    if (seen.has(cursor)) faults.add("sseDoubles", `${cursor} to ${JSON.stringify(query)}`);
    else if (sequence < previous) faults.add("sseDisorder", `${cursor} after ${previous}`);
    seen.add(cursor);
    previous = Math.max(previous, sequence);
  }
  return seen;
}

/** What of the log a reader has asked for. */
export function wantedBy({ query }: FeedReader, { events }: StoredLog): StoredEvent[] {
  const { type, workerId } = query;
  return events.filter(
    ({ event }) =>
      (type === undefined || event.type === type) &&
      (workerId === undefined || (event.data as { workerId?: string }).workerId === workerId),
  );
}
