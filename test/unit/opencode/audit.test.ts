import { describe, expect, it } from "vitest";
import type { JobEvent } from "../../../src/event/event.ts";
import { GEN_AI, ORCHESTRA, SCOPE_NAME } from "../../../src/semconv.ts";
import type { ReceivedSpan } from "../../fixtures/otlp-trace-decoder.ts";
import { audit, type Evidence } from "../../opencode/rig/audit.ts";
import { distinctSpans } from "../../opencode/rig/distinct-spans.ts";
import { drawJobs } from "../../opencode/rig/job-tree.ts";
import { drawSpans } from "../../opencode/rig/span-tree.ts";
import type { StoredLog } from "../../torture/stored-log.ts";

const TRACE_ID = "a".repeat(32);
const ENDS = { completed: "succeeded", failed: "failed", canceled: "canceled" } as Record<string, string>;

interface JobStory {
  jobId: string;
  parentJobId?: string;
  types?: string[];
}

/** Each job has the span of its own id. */
function logOf(...jobs: JobStory[]): StoredLog {
  const events = jobs.flatMap(({ jobId, parentJobId, types = ["created", "completed"] }) =>
    types.map((type, revision) => {
      const status = ENDS[type] ?? "running";
      const why = type === "failed" ? { errorType: "APIError", error: "no" } : {};
      const data = { jobId, workerId: "w", parentJobId, revision, status, ...why };
      const traceparent = `00-${TRACE_ID}-${jobId}-01`;
      const event = { type: `orchestra.job.${type}`, traceparent, data } as unknown as JobEvent;
      return { cursor: `e-${jobId}-${revision}`, digest: "", event };
    }),
  );
  return { epoch: "e", events };
}

function span(name: string, changes: Partial<ReceivedSpan> = {}): ReceivedSpan {
  return {
    traceId: TRACE_ID,
    spanId: name,
    parentSpanId: undefined,
    name,
    kind: 0,
    startTime: 10n,
    endTime: 20n,
    status: { code: 0, message: "" },
    attributes: {},
    events: [],
    links: [],
    resource: {},
    scope: SCOPE_NAME,
    ...changes,
  };
}

function jobSpan(jobId: string, changes: Partial<ReceivedSpan> = {}): ReceivedSpan {
  const attributes = { [ORCHESTRA.JOB_ID]: jobId, [ORCHESTRA.WORKER_ID]: "w" };
  return span(`job ${jobId}`, { spanId: jobId, attributes, ...changes });
}

function toolSpan(callId: string, changes: Partial<ReceivedSpan> = {}): ReceivedSpan {
  const attributes = { [GEN_AI.OPERATION_NAME]: "execute_tool", "gen_ai.tool.call.id": callId };
  return span(`tool ${callId}`, { parentSpanId: "j1", attributes, ...changes });
}

const WHOLE: Evidence = {
  log: logOf({ jobId: "j1" }, { jobId: "j2", parentJobId: "j1", types: ["created", "progress", "failed"] }),
  spans: [
    jobSpan("j1"),
    jobSpan("j2", { parentSpanId: "j1", status: { code: 2, message: "" } }),
    toolSpan("c1"),
    span("job.started", { parentSpanId: "j1", attributes: { [ORCHESTRA.JOB_ID]: "j1" } }),
    span("somebody else's", { scope: "opencode", parentSpanId: "unknown" }),
  ],
  callIds: ["c1"],
};

function found(evidence: Partial<Evidence>): Record<string, number> {
  const { counts } = audit({ ...WHOLE, ...evidence });
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** The whole story with one span changed. */
function spansWith(name: string, changes: Partial<ReceivedSpan>): ReceivedSpan[] {
  return WHOLE.spans.map((it) => (it.name === name ? { ...it, ...changes } : it));
}

function spansWithout(name: string): ReceivedSpan[] {
  return WHOLE.spans.filter((it) => it.name !== name);
}

describe("the audit of a run of OpenCode", () => {
  it("finds nothing in a whole story", () => {
    expect(found({})).toEqual({});
    expect(audit(WHOLE).examples).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, Record<string, number>]>([
    [
      "a job without an end",
      { log: logOf({ jobId: "j1", types: ["created"] }, { jobId: "j2", types: ["created", "failed"] }) },
      { notExactlyOneTerminal: 1, strangeSpans: 1 },
    ],
    ["a job without a span", { spans: spansWithout("job j2") }, { openSpans: 1 }],
    ["a call without a span", { spans: spansWithout("tool c1") }, { openSpans: 1 }],
    [
      "two spans of a call",
      { spans: [...WHOLE.spans, toolSpan("c1", { spanId: "other" })] },
      { doubleSpans: 1 },
    ],
    [
      "two spans of a job",
      { spans: [...WHOLE.spans, jobSpan("j1", { spanId: "other" })] },
      { doubleSpans: 1 },
    ],
    ["a span that came twice", { spans: [...WHOLE.spans, toolSpan("c1")] }, { doubleSpans: 2 }],
    [
      "a span of a parent that never came",
      { spans: spansWith("tool c1", { parentSpanId: "gone" }) },
      { orphanSpans: 1 },
    ],
    [
      "a span of another trace than its parent's",
      { spans: spansWith("tool c1", { traceId: "b".repeat(32) }) },
      { orphanSpans: 1 },
    ],
    [
      "a job's span under other ids than its events have",
      { spans: spansWith("job j2", { spanId: "other" }) },
      { strangeSpans: 1 },
    ],
    [
      "a failed job whose span has not failed",
      { spans: spansWith("job j2", { status: { code: 0, message: "" } }) },
      { strangeSpans: 1 },
    ],
    [
      "a call that outlives its job",
      { spans: spansWith("tool c1", { endTime: 21n }) },
      { spansOutsideJobs: 1 },
    ],
    [
      "a call that ends before it starts",
      { spans: spansWith("tool c1", { startTime: 19n, endTime: 18n }) },
      { strangeSpans: 1 },
    ],
  ])("finds %s", (_what, evidence, faults) => {
    expect(found(evidence)).toEqual(faults);
  });
});

describe("spans that came again", () => {
  it("count once when they are the same, and twice when they are not", () => {
    const [same, other] = [toolSpan("c1"), toolSpan("c1", { endTime: 15n })];
    expect(distinctSpans([same, { ...same }])).toEqual([same]);
    expect(distinctSpans([same, other])).toEqual([same, other]);
  });
});

describe("the drawing of", () => {
  it("jobs shows who asked for whom, and how each ended", () => {
    expect(drawJobs(WHOLE.log)).toEqual(["w succeeded", "  w failed APIError: no"]);
  });

  it("spans shows them by time below their parents, jobs after calls, with what went wrong", () => {
    const spans = [
      toolSpan("c2", { startTime: 12n, attributes: { "error.type": "Error" } }),
      ...spansWith("tool c1", { attributes: { [ORCHESTRA.OPERATION_CANCELED]: true } }),
    ];
    expect(drawSpans(spans)).toEqual(["job j1", "  tool c1 [canceled]", "  tool c2 !Error", "  job j2"]);
  });
});
