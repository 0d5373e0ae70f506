import type { JobEvent } from "../../../src/event/event.ts";
import { GEN_AI, ORCHESTRA, SCOPE_NAME, SPAN_JOB_STARTED } from "../../../src/semconv.ts";
import type { ReceivedSpan } from "../../fixtures/otlp-trace-decoder.ts";
import { auditJobs } from "../../torture/audit.ts";
import { Faults } from "../../torture/faults.ts";
import { jobsOf, type StoredLog } from "../../torture/stored-log.ts";

/** All that is left of the work of one data file. */
export interface Evidence {
  log: StoredLog;
  /** Of whoever has exported some. */
  spans: readonly ReceivedSpan[];
  /** Ids of the tool calls that the model made and OpenCode has begun. */
  callIds: readonly string[];
}

const KINDS = ["openSpans", "orphanSpans", "doubleSpans", "strangeSpans", "spansOutsideJobs"] as const;
type Kind = (typeof KINDS)[number];
export type Verdict = Record<Kind, number> & ReturnType<typeof auditJobs>["counts"];

const STATUS = { succeeded: 0, canceled: 0, failed: 2 } as Record<string, number>;
const CALL_ID = "gen_ai.tool.call.id";

/** Whether jobs, events and spans tell one whole story. `examples` says what is wrong with it. */
export function audit(evidence: Evidence): { counts: Verdict; examples: string[] } {
  const jobs = jobsOf(evidence.log);
  const ours = evidence.spans.filter(({ scope }) => scope === SCOPE_NAME);
  const faults = new Faults<Kind>(...KINDS);
  const story = auditJobs(jobs, []);
  const spans = Map.groupBy(ours.filter(isJobSpan), ({ attributes }) => attributes[ORCHESTRA.JOB_ID]);
  for (const [jobId, events] of jobs) auditJobSpan(jobId, { events, spans: spans.get(jobId) ?? [] }, faults);
  auditTree({ ours, all: evidence.spans }, faults);
  auditCalls({ ours, callIds: evidence.callIds }, faults);
  return {
    counts: { ...story.counts, ...faults.counts },
    examples: [...story.examples, ...faults.examples],
  };
}

function isJobSpan({ name, attributes }: ReceivedSpan): boolean {
  return attributes[ORCHESTRA.WORKER_ID] !== undefined && name !== SPAN_JOB_STARTED;
}

function auditJobSpan(
  jobId: string,
  { events, spans: [span, ...others] }: { events: readonly JobEvent[]; spans: readonly ReceivedSpan[] },
  faults: Faults<Kind>,
): void {
  if (span === undefined) {
    faults.add("openSpans", jobId);
    return;
  }
  if (others.length > 0) faults.add("doubleSpans", jobId);
  const traceparent = `00-${span.traceId}-${span.spanId}-01`;
  const strange = events.find((event) => event.traceparent !== traceparent);
  if (strange !== undefined) faults.add("strangeSpans", `${jobId}: ${strange.traceparent} is ${traceparent}`);
  const end = events.findLast(({ data }) => data.status in STATUS)?.data.status ?? "open";
  if (STATUS[end] !== span.status.code) faults.add("strangeSpans", `${jobId}: ${end} is ${span.status.code}`);
}

/** Every span has a parent that has come as well, and lies within its job where it is a step of one. */
function auditTree(
  { ours, all }: { ours: readonly ReceivedSpan[]; all: readonly ReceivedSpan[] },
  faults: Faults<Kind>,
): void {
  const known = new Map(all.map((span) => [span.spanId, span]));
  for (const span of ours) {
    const { name, parentSpanId, startTime, endTime } = span;
    if (parentSpanId === undefined) continue;
    const parent = known.get(parentSpanId);
    if (parent === undefined || parent.traceId !== span.traceId) faults.add("orphanSpans", name);
    else if (isStep(span) && (startTime < parent.startTime || endTime > parent.endTime)) {
      faults.add("spansOutsideJobs", `${name} in ${parent.name}`);
    }
    if (endTime < startTime) faults.add("strangeSpans", `${name} ends before it starts`);
  }
  for (const [spanId, same] of Map.groupBy(ours, (span) => span.spanId)) {
    if (same.length > 1) faults.add("doubleSpans", `${same[0]?.name} ${spanId}`);
  }
}

/** A tool call or a call of the model. */
function isStep({ attributes }: ReceivedSpan): boolean {
  return ["chat", "execute_tool"].includes(String(attributes[GEN_AI.OPERATION_NAME]));
}

function auditCalls(
  { ours, callIds }: { ours: readonly ReceivedSpan[]; callIds: readonly string[] },
  faults: Faults<Kind>,
): void {
  for (const callId of callIds) {
    const own = ours.filter(({ attributes }) => attributes[CALL_ID] === callId);
    if (own.length === 0) faults.add("openSpans", callId);
    if (own.length > 1) faults.add("doubleSpans", callId);
  }
}
