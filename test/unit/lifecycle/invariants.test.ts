import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJobEvent, type JobEvent, type OrchestratorEvent } from "../../../src/event/event.ts";
import { contradiction } from "../../../src/event/job-snapshot.ts";
import type { JobStatus } from "../../../src/job/job.ts";
import type { JobTracer } from "../../../src/lifecycle/job-tracer.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { createEventCollector } from "../../fixtures/follower-rig.ts";
import { HOSTILE_TEXT, HOSTILE_VALUES } from "../../fixtures/hostile-events.ts";
import { createRecordingTracer, throwingTracer } from "../../fixtures/recording-tracer.ts";

const ENDS = ["completed", "failed", "canceled"];
const KINDS = ["created", "started", "progress", ...ENDS, "reported", "exploded", 7];

/** A field as a careless source may fill it. */
const field = fc.oneof(
  fc.constantFrom(...HOSTILE_VALUES, undefined, null, "", "x".repeat(70_000), new Date(5), 1e300, -1),
  fc.string(),
  fc.double(),
  fc.integer(),
);
const times = fc.oneof(field, fc.nat({ max: 10_000 }), fc.date());
const progress = fc.oneof(
  field,
  fc.record({ message: field, percent: field, current: field, total: field, unit: field, updatedAt: times }),
);
const job = fc.record(
  {
    id: fc.constantFrom<unknown>("a", "b", HOSTILE_TEXT, 7, 7n, null, undefined),
    workerId: field,
    sessionId: field,
    requestedBy: field,
    parentJobId: field,
    workflow: fc.oneof(field, fc.record({ runId: field, stepId: field })),
    attempt: field,
    message: field,
    status: fc.constantFrom<unknown>("queued", "running", "succeeded", "waiting", 7),
    traceparent: field,
    queuedAt: times,
    startedAt: times,
    updatedAt: times,
    finishedAt: times,
    progress,
    responseText: field,
    error: field,
    errorType: field,
    reason: field,
    report: fc.oneof(field, fc.record({ summary: field, issues: fc.oneof(field, fc.array(field)) })),
  },
  { requiredKeys: [] },
);
const callbacks = fc.array(
  fc.tuple(
    fc.oneof({ weight: 9, arbitrary: job }, { weight: 1, arbitrary: field }),
    fc.constantFrom(...KINDS),
  ),
  {
    maxLength: 30,
  },
);

/** What the feed says of one job, from its first event to its last. */
function isWellFormed(story: readonly JobEvent[]): void {
  const kinds = story.map((event) => event.type.slice("orchestra.job.".length));
  expect(kinds.filter((kind) => kind === "created")).toHaveLength(1);
  expect(kinds[0]).toBe("created");
  expect(story.map((event) => event.data.revision)).toEqual([...story.keys()]);
  const end = kinds.findIndex((kind) => ENDS.includes(kind));
  if (end >= 0) expect(kinds.slice(end + 1).filter((kind) => kind !== "reported")).toEqual([]);
  else expect(kinds).not.toContain("reported");
  let status: JobStatus | undefined;
  for (const event of story) {
    expect(contradiction(status, event)).toBeUndefined();
    status = event.data.status;
  }
}

function stories(events: readonly OrchestratorEvent[]): JobEvent[][] {
  return [...Map.groupBy(events.filter(isJobEvent), (event) => event.data.jobId).values()];
}

function hasEnded(story: readonly JobEvent[]): boolean {
  return story.some(({ type }) => ENDS.some((end) => type.endsWith(end)));
}

/** Makes the callbacks to an observer, and gives what it told and what the schema would not take. */
function observe(sequence: readonly (readonly [unknown, unknown])[], tracer: JobTracer) {
  const rejected: unknown[] = [];
  const collector = createEventCollector();
  const publish = (event: OrchestratorEvent) => {
    try {
      collector.publish(event);
    } catch (error) {
      rejected.push(error);
    }
  };
  const handlers: ((job: unknown, kind: unknown) => void)[] = [];
  const source = { onJobEvent: (handler: (job: unknown, kind: unknown) => void) => handlers.push(handler) };
  const observer = observeJobs(source, { publish, tracer, now: () => 4_000 });
  for (const [observed, kind] of sequence) handlers[0]?.(observed, kind);
  return { observer, rejected, events: collector.events };
}

describe("whatever callbacks a source makes", () => {
  it("each job's events tell one well-formed story, all of which the schema accepts", () => {
    fc.assert(
      fc.property(callbacks, (sequence) => {
        const tracer = createRecordingTracer();
        const { observer, rejected, events } = observe(sequence, tracer);
        expect(rejected).toEqual([]);
        const told = stories(events);
        for (const story of told) isWellFormed(story);
        expect(observer.stats().open).toBe(told.filter((story) => !hasEnded(story)).length);
        expect(tracer.calls.filter((call) => call.startsWith("open"))).toHaveLength(told.length);
        expect(tracer.calls.filter((call) => call.startsWith("close"))).toHaveLength(
          told.filter(hasEnded).length,
        );
      }),
      { numRuns: 200 },
    );
  });

  it("a tracer that throws changes nothing of the story, and stopping ends every job", () => {
    fc.assert(
      fc.property(callbacks, (sequence) => {
        const whole = observe(sequence, createRecordingTracer());
        const broken = observe(sequence, throwingTracer);
        const data = (events: readonly OrchestratorEvent[]) =>
          events.map((event) => [event.type, event.data]);
        expect(data(broken.events)).toEqual(data(whole.events));
        broken.observer.stop();
        expect(broken.rejected).toEqual([]);
        for (const story of stories(broken.events)) {
          isWellFormed(story);
          expect(hasEnded(story)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});
