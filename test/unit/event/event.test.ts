import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createOrchestratorEvent,
  EVENT_DATA,
  EVENT_TYPES,
  EVENT_VERSION,
  isEventType,
  isJobEvent,
  orchestratorEventSchema,
  parseOrchestratorEvent,
} from "../../../src/event/event.ts";
import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH } from "../../../src/event/event-fields.ts";
import { EVENT_EXAMPLES, exampleEvent } from "../../fixtures/event-examples.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

type Json = Record<string, unknown>;

/** An example as it comes over the wire, with `changes` to it at dotted paths; undefined takes away. */
function changed(type: (typeof EVENT_TYPES)[number], changes: Json): Json {
  const event: Json = JSON.parse(JSON.stringify(exampleEvent(type)));
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop() as string;
    const target = keys.reduce((object, key) => object[key] as Json, event);
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return event;
}

describe.each(EVENT_TYPES)("%s", (type) => {
  it("is accepted as createOrchestratorEvent makes it", () => {
    const event = createOrchestratorEvent(type, EVENT_EXAMPLES[type] as never);
    expect(orchestratorEventSchema.parse(event)).toEqual(event);
    expect(parseOrchestratorEvent(event)).toBe(event);
  });

  it("is accepted after a round trip over the wire", () => {
    const event = exampleEvent(type);
    expect(parseOrchestratorEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  it("is shown with every field it has", () => {
    expect(Object.keys(EVENT_EXAMPLES[type]).sort()).toEqual(Object.keys(EVENT_DATA[type].shape).sort());
  });

  it("is refused without any one of its required fields", () => {
    const required = Object.entries<z.ZodType>(EVENT_DATA[type].shape)
      .filter(([, schema]) => !schema.safeParse(undefined).success)
      .map(([field]) => field);
    for (const field of required) {
      const error = thrownBy(() => parseOrchestratorEvent(changed(type, { [`data.${field}`]: undefined })));
      expect(error).toMatchObject({ code: "INVALID_EVENT", path: `data.${field}` });
    }
  });
});

describe("createOrchestratorEvent", () => {
  it("fills in id and time", () => {
    const before = Date.now();
    const event = createOrchestratorEvent("orchestra.error", { message: "m" });
    expect(event).toMatchObject({ version: EVENT_VERSION, type: "orchestra.error", data: { message: "m" } });
    expect(event.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(event.timestamp).toBeGreaterThanOrEqual(before);
    expect(JSON.parse(JSON.stringify(event))).not.toHaveProperty("source");
  });

  it("takes what it is given", () => {
    const given = { id: "", timestamp: 5, source: "i", traceparent: "tp" };
    expect(createOrchestratorEvent("orchestra.error", { message: "m" }, given)).toMatchObject(given);
  });
});

describe("parseOrchestratorEvent", () => {
  it("keeps fields it does not know, at every level", () => {
    const event = changed("orchestra.job.completed", {
      later: 1,
      "data.model": "large",
      "data.report.score": 5,
    });
    expect(parseOrchestratorEvent(structuredClone(event))).toEqual(event);
  });

  it.each<[string, Json]>([
    ["version", { version: 2 }],
    ["version", { version: "1" }],
    ["id", { id: "" }],
    ["id", { id: "x".repeat(MAX_NAME_LENGTH + 1) }],
    ["id", { id: 7 }],
    ["type", { type: "orchestra.job.exploded" }],
    ["type", { type: "toString" }],
    ["type", { type: undefined }],
    ["timestamp", { timestamp: -1 }],
    ["timestamp", { timestamp: 1.5 }],
    ["timestamp", { timestamp: "2026-01-01" }],
    ["timestamp", { timestamp: 9e15 }],
    ["source", { source: "" }],
    ["traceparent", { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }],
    ["traceparent", { traceparent: `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01` }],
    ["traceparent", { traceparent: "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01" }],
    ["data", { data: undefined }],
    ["data", { data: null }],
    ["data", { data: [] }],
    ["data.jobId", { "data.jobId": "" }],
    ["data.status", { "data.status": "succeeded" }],
    ["data.revision", { "data.revision": -1 }],
    ["data.revision", { "data.revision": 1.5 }],
    ["data.attempt", { "data.attempt": 0 }],
    ["data.workflow.runId", { "data.workflow.runId": undefined }],
    ["data.percent", { "data.percent": 101 }],
    ["data.percent", { "data.percent": "40" }],
    ["data.message", { "data.message": "x".repeat(MAX_TEXT_LENGTH + 1) }],
  ])("refuses a bad `%s`: %o", (path, changes) => {
    const error = thrownBy(() => parseOrchestratorEvent(changed("orchestra.job.progress", changes)));
    expect(error).toMatchObject({ code: "INVALID_EVENT", path });
    expect(error.message.startsWith(`${path}: `)).toBe(true);
  });

  it.each(["failed", "succeeded"] as const)("ties the status to the type: %s", (status) => {
    const error = thrownBy(() =>
      parseOrchestratorEvent(changed("orchestra.job.canceled", { "data.status": status })),
    );
    expect(error.path).toBe("data.status");
  });

  it("names the place in a list", () => {
    const event = changed("orchestra.job.reported", { "data.report.issues": ["fine", 2] });
    expect(thrownBy(() => parseOrchestratorEvent(event)).path).toBe("data.report.issues.1");
  });

  it.each([undefined, null, "text", 7, []])("refuses %o, which is no event at all", (input) => {
    const error = thrownBy(() => parseOrchestratorEvent(input));
    expect(error).toMatchObject({ code: "INVALID_EVENT", path: "" });
    expect(error.message).not.toMatch(/^: /);
  });
});

describe("telling types apart", () => {
  it("knows its own and no other", () => {
    expect(EVENT_TYPES.every(isEventType)).toBe(true);
    for (const other of ["orchestra.job.*", "toString", "__proto__", 7, undefined]) {
      expect(isEventType(other)).toBe(false);
    }
  });

  it("knows a job's events", () => {
    expect(EVENT_TYPES.filter((type) => isJobEvent(exampleEvent(type)))).toEqual(
      EVENT_TYPES.filter((type) => type.startsWith("orchestra.job.")),
    );
  });

  it("can be told in JSON Schema", () => {
    expect(z.toJSONSchema(orchestratorEventSchema)).toMatchObject({
      oneOf: EVENT_TYPES.map((type) => ({ properties: { type: { const: type } } })),
    });
  });
});
