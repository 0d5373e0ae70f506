import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { envelopeFields, eventFields, renderEventDocs } from "../../../scripts/docs/event-docs.ts";
import { FIELD_MEANINGS } from "../../../scripts/docs/field-meanings.ts";
import { meaningKey } from "../../../scripts/docs/field-table.ts";
import { EVENT_TYPES, parseOrchestratorEvent } from "../../../src/event/event.ts";

const document = readFileSync(new URL("../../../docs/events.md", import.meta.url), "utf8");

const fields = [
  ...envelopeFields().map((field) => ({ ...field, owner: "envelope" })),
  ...EVENT_TYPES.flatMap((type) => eventFields(type).map((field) => ({ ...field, owner: type }))),
];

describe("docs/events.md", () => {
  it("is what `npm run docs:events` makes of the schemas", () => {
    expect(renderEventDocs(document)).toBe(document);
  });

  it("has a section for every type and for no other", () => {
    const headings = [...document.matchAll(/^### (orchestra\.\S+)$/gm)].map(([, type]) => type);
    expect(headings).toEqual(EVENT_TYPES);
  });

  it("shows an example of every type that passes the schema", () => {
    const blocks = [...document.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json as string);
    const events = blocks.map((json) => parseOrchestratorEvent(JSON.parse(json)));
    expect(events.map(({ type }) => type)).toEqual(EVENT_TYPES);
  });

  it("says what every field means", () => {
    const silent = fields
      .filter(({ meaning }) => meaning === "")
      .map(({ owner, path }) => `${owner}: ${path}`);
    expect(silent).toEqual([]);
  });

  it("explains no field that does not exist", () => {
    const used = new Set(fields.map(({ owner, path }) => meaningKey(owner, path)));
    expect(Object.keys(FIELD_MEANINGS).filter((key) => !used.has(key))).toEqual([]);
  });
});
