import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../src/event/event.ts";
import { auditFeeds, auditJobs, auditSpans, duplicatesAmong } from "../../torture/audit.ts";
import type { FeedReader } from "../../torture/feed-reader.ts";
import type { StoredSpan } from "../../torture/receiver.ts";
import { jobsOf, type StoredLog } from "../../torture/stored-log.ts";

const TRACE_ID = "a".repeat(32);
const SPAN_ID = "b".repeat(16);

function logOf(...types: string[]): StoredLog {
  const events = types.map((type, revision) => ({
    cursor: `e-${revision + 1}`,
    digest: `digest of ${revision}`,
    event: {
      type: `orchestra.job.${type}`,
      traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
      data: { jobId: "j", workerId: "w", revision },
    } as JobEvent,
  }));
  return { epoch: "e", events };
}

function span(changes: Partial<StoredSpan> = {}): StoredSpan {
  const identity = { traceId: TRACE_ID, spanId: SPAN_ID, name: "invoke_agent w", jobId: "j", workerId: "w" };
  const rest = { result: "success", isReconstructed: false, durationMs: 1, copies: 1, contents: 1 };
  return { ...identity, ...rest, ...changes };
}

function readerOf(log: StoredLog, ...positions: number[]): FeedReader {
  return { query: {}, events: positions.map((position) => log.events[position]) } as unknown as FeedReader;
}

const LOG = logOf("created", "progress", "completed");
const JOBS = jobsOf(LOG);

function found(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

describe("the audit of a torture finds nothing", () => {
  it("when all is there", () => {
    expect(found(auditJobs(JOBS, ["j"]).counts)).toEqual({});
    expect(found(auditSpans(JOBS, [span(), span({ name: "job.started", spanId: "c" })]).counts)).toEqual({});
    expect(found(auditFeeds(LOG, [readerOf(LOG, 0, 1, 2)]).counts)).toEqual({});
  });

  it("when a span came twice, which it counts", () => {
    const twice = [span({ copies: 2 })];
    expect(found(auditSpans(JOBS, twice).counts)).toEqual({});
    expect(duplicatesAmong(twice)).toBe(1);
  });
});

describe("the audit of a torture finds", () => {
  it.each([
    ["no end", ["created", "progress"], { notExactlyOneTerminal: 1 }],
    ["two ends", ["created", "completed", "failed"], { notExactlyOneTerminal: 1, disorderedJobs: 1 }],
    ["a late beginning", ["progress", "created", "completed"], { disorderedJobs: 1 }],
    ["progress after the end", ["created", "completed", "progress"], { disorderedJobs: 1 }],
  ])("a job with %s", (_, types, faults) => {
    expect(found(auditJobs(jobsOf(logOf(...types)), []).counts)).toEqual(faults);
  });

  it("a job that was seen and is not in the log", () => {
    expect(found(auditJobs(JOBS, ["seen"]).counts)).toEqual({ notExactlyOneTerminal: 1, disorderedJobs: 1 });
  });

  it.each([
    ["a job without a span", [], { spansLost: 1 }],
    ["a job whose start alone came", [span({ name: "job.started" })], { spansLost: 1 }],
    ["another span id than that of the events", [span({ spanId: "c" })], { spanIdMismatch: 1 }],
    ["two spans of one job", [span(), span({ spanId: "c" })], { spanIdMismatch: 1 }],
    ["two contents of one span", [span({ contents: 2 })], { spanIdMismatch: 1 }],
    ["a span of a job that never was", [span(), span({ jobId: "k" })], { spansWithoutJob: 1 }],
    ["a span that ends before it begins", [span({ durationMs: -1 })], { negativeSpans: 1 }],
  ])("%s", (_, spans, faults) => {
    expect(found(auditSpans(JOBS, spans).counts)).toEqual(faults);
  });

  it.each([
    ["a hole", [0, 2], { sseHoles: 1 }],
    ["a double", [0, 1, 1, 2], { sseDoubles: 1 }],
    ["disorder", [0, 2, 1], { sseDisorder: 1 }],
  ])("%s in a feed", (_, positions, faults) => {
    expect(found(auditFeeds(LOG, [readerOf(LOG, ...positions)]).counts)).toEqual(faults);
  });

  it("an event that was shown and is not in the log, or is another there", () => {
    const other = { ...LOG, events: LOG.events.map((event) => ({ ...event, digest: "other" })) };
    expect(found(auditFeeds(other, [readerOf(LOG, 0, 1, 2)]).counts)).toEqual({ seenEventsLost: 3 });
  });
});
