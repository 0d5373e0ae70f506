import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeedEvent } from "../../../src/client/index.ts";
import type { JobEvent, JobEventType } from "../../../src/event/event.ts";
import { JOB_EVENT_DATA } from "../../../src/event/event-fields.ts";
import { applyJobEvent as applyOnServer, type JobSnapshot } from "../../../src/event/job-snapshot.ts";
import { JOB_EVENT_FIELDS, type Shape } from "../../../src/panel/jobs/job-fields.ts";
import { applyJobEvent, isJobEvent } from "../../../src/panel/jobs/job-reducer.ts";
import { EVENT_EXAMPLES } from "../../fixtures/event-examples.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { codeUnit } from "./panel-jobs.ts";

const TYPES = Object.keys(JOB_EVENT_DATA) as JobEventType[];

/** As JSON has it: what is undefined is not there. */
const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** Any event of a job whose fields fit: each of the optional ones may be missing. */
const anyEvent: fc.Arbitrary<JobEvent> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    left: fc.func(fc.boolean()),
    text: fc.oneof(fc.string(), fc.string({ minLength: 4_090, maxLength: 4_200, unit: codeUnit })),
    percent: fc.double({ min: 0, max: 100, noNaN: true }),
    timestamp: fc.nat(),
    issues: fc.array(fc.string(), { maxLength: 25 }),
  })
  .map(({ type, left, text, percent, timestamp, issues }) => {
    const shape = JOB_EVENT_DATA[type].shape as Record<
      string,
      { safeParse(value: unknown): { success: boolean } }
    >;
    const example = { ...EVENT_EXAMPLES[type], anythingElse: text } as Record<string, unknown>;
    if ("message" in example) example.message = text;
    if ("percent" in example) example.percent = percent;
    if ("report" in example) example.report = { summary: text, issues, unknown: 1 };
    for (const name of Object.keys(example)) {
      if (shape[name]?.safeParse(undefined).success && left(name)) delete example[name];
    }
    return sent({ ...jobEvent(type, "j"), timestamp, data: example }) as unknown as JobEvent;
  });

describe("a job told by its events", () => {
  it("is what the server makes of them", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
        let [ours, theirs]: (JobSnapshot | undefined)[] = [undefined, undefined];
        for (const event of events) {
          ours = applyJobEvent(ours, event);
          theirs = applyOnServer(theirs, event);
        }
        expect(sent({ ours })).toEqual(sent({ ours: theirs }));
      }),
    );
  });

  it("leaves the job as it was untouched", () => {
    const before = Object.freeze(applyJobEvent(undefined, jobEvent("orchestra.job.created", "j")));
    expect(applyJobEvent(before, jobEvent("orchestra.job.started", "j"))).toMatchObject({
      status: "running",
    });
    expect(before.status).toBe("queued");
  });

  it("leaves out what is not what it should be", () => {
    const event = jobEvent("orchestra.job.failed", "j");
    const hostile = { ...event.data, error: { html: "<b>" }, status: "__proto__", attempt: "1", report: 1 };
    const told = applyJobEvent(undefined, { ...event, data: hostile } as unknown as JobEvent);
    expect(told).toMatchObject({ status: "running", errorType: expect.any(String) });
    expect(Object.keys(told)).not.toEqual(expect.arrayContaining(["error"]));
    expect(told).not.toHaveProperty("attempt");
    expect(told).not.toHaveProperty("report");
  });

  it("has a time even if its event has none", () => {
    const event = { ...jobEvent("orchestra.job.created", "j"), timestamp: "soon", data: { jobId: "j" } };
    expect(applyJobEvent(undefined, event as unknown as JobEvent)).toMatchObject({
      startedAt: 0,
      updatedAt: 0,
    });
  });
});

describe("the fields of job events", () => {
  it.each(TYPES)("are those of the schema: %s", (type) => {
    expect(namesOf(JOB_EVENT_FIELDS[type])).toEqual(namesOf(JOB_EVENT_DATA[type]));
  });
});

describe("an event of the feed", () => {
  it.each([
    [jobEvent("orchestra.job.progress", "j"), true],
    [{ ...jobEvent("orchestra.job.progress", "j"), data: {} }, false],
    [{ id: "1", type: "orchestra.error", data: { message: "m" } }, false],
    [{ id: "1", type: "orchestra.job.paused", data: { jobId: "j" } }, false],
    [{ id: "1", type: "constructor", data: { jobId: "j" } }, false],
  ])("tells of a job or does not: %#", (event, expected) => {
    expect(isJobEvent(event as unknown as FeedEvent)).toBe(expected);
  });
});

/** The names of a shape or of a schema, those of the objects in it as `report.summary`. */
function namesOf(part: Shape | (typeof JOB_EVENT_DATA)[JobEventType]): string[] {
  const fields = ("shape" in part ? part.shape : part) as Record<string, unknown>;
  return Object.entries(fields)
    .flatMap(([name, field]) => {
      const inner = unwrapped(field);
      return inner === undefined ? [name] : namesOf(inner).map((each) => `${name}.${each}`);
    })
    .sort();
}

function unwrapped(field: unknown): Shape | undefined {
  if (typeof field === "function" || field === null || typeof field !== "object") return undefined;
  const { unwrap, shape } = field as { unwrap?: () => unknown; shape?: Shape };
  if (shape !== undefined) return { ...shape } as unknown as Shape;
  if (unwrap !== undefined) return unwrapped((field as { unwrap: () => unknown }).unwrap());
  return "def" in field ? undefined : (field as Shape);
}
