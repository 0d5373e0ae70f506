import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createOrchestratorEvent, EVENT_DATA, EVENT_TYPES } from "../../../src/event/event.ts";
import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH, report as reportSchema } from "../../../src/event/event-fields.ts";
import { Content, type ContentOptions, capName } from "../../../src/lifecycle/content.ts";
import type { ContentField } from "../../../src/lifecycle/event-texts.ts";
import { exampleEvent, exampleEvents } from "../../fixtures/event-examples.ts";
import { deepFrozen } from "../../fixtures/frozen.ts";
import { hostileEvents } from "../../fixtures/hostile-events.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

/** Paths of all texts in a value. */
function textPaths(value: unknown, path = ""): [path: string, text: string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    textPaths(part, path === "" ? key : `${path}.${key}`),
  );
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Paths of a schema's free texts: those with the room of a text, not of a name. */
function freeTexts(schema: JsonSchema, path = ""): string[] {
  if (schema.maxLength === MAX_TEXT_LENGTH) return [path];
  const items = schema.items === undefined ? [] : freeTexts(schema.items as JsonSchema, path);
  const properties = Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
    freeTexts(property as JsonSchema, path === "" ? key : `${path}.${key}`),
  );
  return [...items, ...properties];
}

const LONG = "x".repeat(MAX_TEXT_LENGTH + 1);

describe("what leaves of prompts and responses", () => {
  it("is the first 200 characters", () => {
    expect(new Content().text("short", "message")).toBe("short");
    expect(new Content().text(LONG, "response")).toBe("x".repeat(200));
  });

  it("is as long as one says, up to what the wire takes", () => {
    expect(new Content({ previewLength: 3 }).text("abcdef", "message")).toBe("abc");
    expect(new Content({ previewLength: 0 }).text("abcdef", "message")).toBe("");
    for (const previewLength of [MAX_TEXT_LENGTH + 1, Number.POSITIVE_INFINITY]) {
      expect(new Content({ previewLength }).text(LONG, "message")).toHaveLength(MAX_TEXT_LENGTH);
    }
  });

  it("is all of it when content is captured", () => {
    const content = new Content({ captureContent: true, previewLength: 3 });
    expect(content.text("abcdef", "message")).toBe("abcdef");
    expect(content.text(LONG, "message")).toHaveLength(MAX_TEXT_LENGTH);
  });

  it.each([-1, Number.NaN, "many"])("cannot be %o characters", (previewLength) => {
    expect(thrownBy(() => new Content({ previewLength: previewLength as number })).path).toBe(
      "previewLength",
    );
  });
});

describe("cutting", () => {
  it("never leaves half of a surrogate pair", () => {
    const content = new Content({ previewLength: 4 });
    expect(content.text("abc🎼", "message")).toBe("abc");
    expect(content.text("ab🎼d", "message")).toBe("ab🎼");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 12 }), (text, previewLength) => {
        const preview = new Content({ previewLength }).text(text, "message");
        expect(text.startsWith(preview)).toBe(true);
        expect(preview.length).toBeLessThanOrEqual(previewLength);
        expect(preview.isWellFormed()).toBe(true);
      }),
    );
  });

  it("brings names to what the wire takes", () => {
    expect(capName("n".repeat(MAX_NAME_LENGTH + 1))).toHaveLength(MAX_NAME_LENGTH);
    expect(capName("n")).toBe("n");
  });
});

describe("the redact function", () => {
  it("sees every text in full, with its kind, before it is cut", () => {
    const seen: [string, ContentField][] = [];
    const content = new Content({
      previewLength: 2,
      redact: (text, field) => {
        seen.push([text, field]);
        return text.replace("secret", "***");
      },
    });
    expect(content.text("a secret", "message")).toBe("a ");
    expect(content.text("secret", "error")).toBe("***");
    expect(content.report({ summary: "secret", details: "b", issues: ["c"], notes: "d" })).toEqual({
      summary: "***",
      details: "b",
      issues: ["c"],
      notes: "d",
    });
    expect(content.label("secret", "progress")).toBe("***");
    expect(seen.map(([, field]) => field)).toEqual([
      "message",
      "error",
      ...Array(4).fill("report"),
      "progress",
    ]);
    expect(seen[0]?.[0]).toBe("a secret");
  });

  it("is all that stands before a whole text, for who is entitled to it", () => {
    const content = new Content({ previewLength: 2, redact: (text) => text.replace("secret", "***") });
    expect(content.full(`secret ${LONG}`, "response")).toBe(`*** ${LONG}`);
    expect(new Content().full(LONG, "message")).toBe(LONG);
  });

  it("may leave nothing of a short text", () => {
    const content = new Content({ redact: () => "" });
    expect(content.label("files", "progress")).toBeUndefined();
    expect(content.label(undefined, "progress")).toBeUndefined();
    expect(new Content({ redact: () => LONG }).label("files", "progress")).toHaveLength(MAX_NAME_LENGTH);
  });

  it.each<[string, (text: string) => string]>([
    [
      "throws",
      () => {
        throw new Error("redact");
      },
    ],
    ["forgets to return", () => undefined as never],
    ["returns no text", () => 7 as never],
  ])("lets nothing out when it %s", (_how, redact) => {
    const content = new Content({ redact });
    expect(content.text("secret", "progress")).toBe("[redaction failed]");
    expect(content.report({ summary: "secret" })?.summary).toBe("[redaction failed]");
  });
});

describe("an event that somebody else made", () => {
  const MARK = "§";
  const marking = (options: ContentOptions = {}) =>
    new Content({ ...options, redact: (text, field) => `${MARK}${field}:${text}` });
  const error = (data: object) => createOrchestratorEvent("orchestra.error", data as { message: string });

  it("is the same object when nothing of it has to stay", () => {
    const content = new Content();
    for (const event of exampleEvents()) expect(content.event(event)).toBe(event);
  });

  it("leaves its maker's object as it was", () => {
    const event = deepFrozen(exampleEvent("orchestra.error"));
    expect(marking().event(event)).not.toBe(event);
  });

  it("shows every free text of its type to the redact function, and no name", () => {
    const beside: string[] = [];
    for (const type of EVENT_TYPES) {
      const { data } = marking().event(exampleEvent(type));
      expect(EVENT_DATA[type].safeParse(data).error).toBeUndefined();
      const marked = textPaths(data).filter(([, text]) => text.startsWith(MARK));
      const paths = marked.map(([path]) => path.replaceAll(/\.\d+/g, ""));
      const inSchema = freeTexts(z.toJSONSchema(EVENT_DATA[type]));
      expect(paths, type).toEqual(expect.arrayContaining(inSchema));
      beside.push(...paths.filter((path) => !inSchema.includes(path)).map((path) => `${type} ${path}`));
    }
    // Short enough for a name, or of a shape that is the host's own.
    expect(beside).toEqual([
      "orchestra.job.progress unit",
      "orchestra.job.progress stage",
      "orchestra.worker.status worker.model",
    ]);
  });

  it("shows what lies deep in details too, as the plain data that it will be in JSON", () => {
    const details: Record<string, unknown> = { list: ["a", { deep: "b" }], count: 1n, none: null, yes: true };
    details.self = details;
    const { data } = marking().event(error({ message: "m", details }));
    expect(data).toEqual({
      message: "§error:m",
      details: {
        list: ["§details:a", { deep: "§details:b" }],
        count: "§details:1",
        none: null,
        yes: true,
        self: "§details:[Circular]",
      },
    });
  });

  it("does not let out what lies too deep to be seen", () => {
    let details: unknown = "secret";
    for (let level = 0; level < 1_000; level++) details = [details];
    const json = JSON.stringify(new Content({ redact: () => "" }).event(error({ message: "", details })));
    expect(json).toContain("[redaction failed]");
    expect(json).not.toContain("secret");
  });

  it("keeps of a stream and a task their beginning, unless content is captured", () => {
    const chunk = { workerId: "w", chunk: LONG, timestamp: 1 };
    const stream = createOrchestratorEvent("orchestra.worker.stream", { chunk });
    const started = createOrchestratorEvent("orchestra.workflow.started", {
      runId: "r",
      workflowId: "f",
      startedAt: 1,
      task: LONG,
    });
    const kept = (content: Content) => [
      content.event(stream).data.chunk.chunk.length,
      content.event(started).data.task?.length,
    ];
    expect(kept(new Content({ previewLength: 5 }))).toEqual([5, 5]);
    expect(kept(new Content({ captureContent: true }))).toEqual([MAX_TEXT_LENGTH, MAX_TEXT_LENGTH]);
    expect(stream.data.chunk.chunk).toBe(LONG);
  });

  it("is cut to what the wire takes", () => {
    expect(new Content().event(error({ message: LONG })).data.message).toHaveLength(MAX_TEXT_LENGTH);
  });

  it("may be ill-made: what is a text is seen all the same, the rest is the encoder's affair", () => {
    const content = marking();
    const odd = (type: string, data: unknown) => content.event({ type, data } as never);
    expect(odd("orchestra.error", "secret")).toHaveProperty("data", "§details:secret");
    expect(odd("orchestra.worker.stream", { chunk: "secret" })).toHaveProperty(
      "data.chunk",
      "§details:secret",
    );
    for (const type of ["nothing", "toString"]) {
      const event = { type, data: { message: "m" } };
      expect(content.event(event as never)).toBe(event);
    }
    expect(content.event(null as never)).toBeNull();
    for (const event of hostileEvents()) {
      expect(() => content.event(event)).not.toThrow();
      expect(() => new Content({ previewLength: 1 }).event(event)).not.toThrow();
    }
  });

  it("is left as it is when it cannot be read: it will not be encoded either", () => {
    const unreadable = Object.defineProperty(error({ message: "m" }), "data", {
      get: () => {
        throw new Error("data");
      },
    });
    expect(marking().event(unreadable)).toBe(unreadable);
  });
});

describe("a report", () => {
  it.each([undefined, null, "text", 7])("is not %o", (value) => {
    expect(new Content().report(value)).toBeUndefined();
  });

  it("leaves out what has the wrong type, and all it does not know", () => {
    expect(
      new Content().report({ summary: 1, details: null, issues: ["a", 2, Object.create(null)], score: 5 }),
    ).toEqual({ summary: undefined, details: undefined, issues: ["a"], notes: undefined });
    expect(new Content().report({ issues: "a" })?.issues).toBeUndefined();
  });

  it("is cut to what the wire takes", () => {
    const report = new Content().report({ summary: LONG, issues: Array(5_000).fill(LONG.slice(0, 9)) });
    expect(report?.issues).toHaveLength(100);
    expect(reportSchema.safeParse(report).success).toBe(true);
  });
});
