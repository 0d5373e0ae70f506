import { describe, expect, it } from "vitest";
import { EVENT_TYPES, type OrchestratorEvent } from "../../../src/event/event.ts";
import { compileFilter, type EventFilter, subjectOf } from "../../../src/event/event-filter.ts";
import { EXAMPLE_TRACEPARENT, exampleEvent, exampleEvents } from "../../fixtures/event-examples.ts";
import { hostileRecords } from "../../fixtures/hostile-events.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

function typesThrough(filter: EventFilter | undefined): string[] {
  return exampleEvents()
    .filter(compileFilter(filter))
    .map((event) => event.type);
}

const jobEvents = EVENT_TYPES.filter((type) => type.startsWith("orchestra.job."));

describe("a filter", () => {
  it.each([undefined, {}, { types: [], workerIds: [], sessionIds: [], jobIds: [] }])(
    "without a wish lets all through: %o",
    (filter) => {
      expect(typesThrough(filter)).toEqual(EVENT_TYPES);
    },
  );

  it("takes exact types, any of them", () => {
    expect(typesThrough({ types: ["orchestra.error", "orchestra.job.failed"] })).toEqual([
      "orchestra.job.failed",
      "orchestra.error",
    ]);
  });

  it("takes prefixes, which end at a dot", () => {
    expect(typesThrough({ types: ["orchestra.job.*"] })).toEqual(jobEvents);
    expect(typesThrough({ types: ["orchestra.skill.load.*"] })).toHaveLength(3);
    expect(typesThrough({ types: ["orchestra.*"] })).toEqual(EVENT_TYPES);
  });

  it.each([
    "",
    "*",
    ".*",
    "orchestra",
    "orchestra.job",
    "orchestra.job.",
    "orchestra.jo.*",
    "toString",
    "a.*",
  ])("refuses the type %j, which nothing could match", (type) => {
    expect(thrownBy(() => compileFilter({ types: ["orchestra.error", type] }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      path: "type",
    });
  });

  it("refuses a type that is no text", () => {
    expect(thrownBy(() => compileFilter({ types: [7 as never] })).code).toBe("INVALID_ARGUMENT");
  });

  it("finds the worker, session and job wherever a type keeps them", () => {
    const streamed = ["orchestra.worker.status", "orchestra.worker.stream"];
    expect(typesThrough({ workerIds: ["coder"], types: ["orchestra.worker.*"] })).toEqual(streamed);
    expect(typesThrough({ jobIds: ["0193f0a2-job"] })).toEqual([...jobEvents, "orchestra.worker.stream"]);
    expect(typesThrough({ sessionIds: ["ses_42"] })).toEqual([
      ...jobEvents,
      ...EVENT_TYPES.filter((type) => type.startsWith("orchestra.skill.")),
    ]);
    expect(typesThrough({ workerIds: ["nobody"] })).toEqual([]);
  });

  it("wants all its parts at once", () => {
    const filter = { types: ["orchestra.job.*"], jobIds: ["0193f0a2-job"] };
    expect(typesThrough({ ...filter, workerIds: ["nobody", "coder"] })).toEqual(jobEvents);
    expect(typesThrough({ ...filter, workerIds: ["nobody"] })).toEqual([]);
  });

  it("does not throw on an event whose data is not what its type says", () => {
    const test = compileFilter({ workerIds: ["w"], sessionIds: ["s"], jobIds: ["j"] });
    for (const { event } of hostileRecords()) {
      expect(test(event)).toBe(false);
      expect(typeof subjectOf(event)).not.toBe("undefined");
    }
  });
});

describe("subjectOf", () => {
  it("says who an event is about", () => {
    expect(subjectOf(exampleEvent("orchestra.worker.status"))).toEqual({ workerId: "coder" });
    expect(subjectOf(exampleEvent("orchestra.worker.stream"))).toMatchObject({
      workerId: "coder",
      jobId: "0193f0a2-job",
    });
    expect(subjectOf(exampleEvent("orchestra.job.created"))).toMatchObject({ sessionId: "ses_42" });
  });

  it("says nothing of an event without data", () => {
    const empty = { type: "orchestra.worker.stream", traceparent: EXAMPLE_TRACEPARENT };
    expect(subjectOf(empty as OrchestratorEvent)).toEqual({});
  });
});
