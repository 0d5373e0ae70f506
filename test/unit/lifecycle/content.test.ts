import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_NAME_LENGTH, MAX_TEXT_LENGTH, report as reportSchema } from "../../../src/event/event-fields.ts";
import { Content, type ContentField, capName } from "../../../src/lifecycle/content.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const LONG = "x".repeat(MAX_TEXT_LENGTH + 1);

describe("what leaves of prompts and responses", () => {
  it("is the first 200 characters", () => {
    expect(new Content().preview("short", "message")).toBe("short");
    expect(new Content().preview(LONG, "response")).toBe("x".repeat(200));
  });

  it("is as long as one says, up to what the wire takes", () => {
    expect(new Content({ previewLength: 3 }).preview("abcdef", "message")).toBe("abc");
    expect(new Content({ previewLength: 0 }).preview("abcdef", "message")).toBe("");
    for (const previewLength of [MAX_TEXT_LENGTH + 1, Number.POSITIVE_INFINITY]) {
      expect(new Content({ previewLength }).preview(LONG, "message")).toHaveLength(MAX_TEXT_LENGTH);
    }
  });

  it("is all of it when content is captured", () => {
    const content = new Content({ captureContent: true, previewLength: 3 });
    expect(content.preview("abcdef", "message")).toBe("abcdef");
    expect(content.preview(LONG, "message")).toHaveLength(MAX_TEXT_LENGTH);
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
    expect(content.preview("abc🎼", "message")).toBe("abc");
    expect(content.preview("ab🎼d", "message")).toBe("ab🎼");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 12 }), (text, previewLength) => {
        const preview = new Content({ previewLength }).preview(text, "message");
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
    expect(content.preview("a secret", "message")).toBe("a ");
    expect(content.text("secret", "error")).toBe("***");
    expect(content.report({ summary: "secret", details: "b", issues: ["c"], notes: "d" })).toEqual({
      summary: "***",
      details: "b",
      issues: ["c"],
      notes: "d",
    });
    expect(seen.map(([, field]) => field)).toEqual(["message", "error", ...Array(4).fill("report")]);
    expect(seen[0]?.[0]).toBe("a secret");
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
