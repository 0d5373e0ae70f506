import { describe, expect, it } from "vitest";
import { readEvent, readEventLines } from "../../../src/bridge/event-lines.ts";
import { HOSTILE_TEXT } from "../../fixtures/hostile-events.ts";
import { jobEvent } from "../../fixtures/job-story.ts";

const LIMIT = 100_000;
const created = jobEvent("orchestra.job.created", "j1");
const json = JSON.stringify(created);
const lines = (...text: string[]) => Buffer.from(text.join("\n"));
const error = (fields: object) => expect.objectContaining(fields);

describe("one event", () => {
  it("is read as it came, additive fields included", () => {
    const event = { ...created, later: { version: 2 } };
    expect(readEvent(Buffer.from(JSON.stringify(event)), LIMIT)).toEqual([{ event, line: undefined }]);
  });

  it("keeps every character of its texts", () => {
    const event = jobEvent("orchestra.job.created", HOSTILE_TEXT, { message: HOSTILE_TEXT });
    expect(readEvent(Buffer.from(JSON.stringify(event)), LIMIT)[0]?.event).toEqual(event);
  });

  it.each(["", "{", "nope", '{"a":1}{"b":2}', "\u0000"])("that is %j is no JSON", (text) => {
    expect(() => readEvent(Buffer.from(text), LIMIT)).toThrow(error({ code: "INVALID_JSON" }));
  });

  it("that is not UTF-8 is no JSON", () => {
    expect(() => readEvent(Buffer.from([0x22, 0xff, 0xfe, 0x22]), LIMIT)).toThrow(
      error({ code: "INVALID_JSON" }),
    );
  });

  it.each([
    ["null", "null", ""],
    ["an array", "[]", ""],
    ["of an unknown type", JSON.stringify({ ...created, type: "orchestra.job.exploded" }), "type"],
    ["of another version", JSON.stringify({ ...created, version: 2 }), "version"],
    ["without an id", JSON.stringify({ ...created, id: undefined }), "id"],
    ["with a number for an id", JSON.stringify({ ...created, id: 7 }), "id"],
    ["with a huge id", JSON.stringify({ ...created, id: "x".repeat(513) }), "id"],
    [
      "with a huge message",
      JSON.stringify(jobEvent("orchestra.job.created", "j", { message: "x".repeat(65_537) })),
      "data.message",
    ],
    [
      "with percent as text",
      JSON.stringify({ ...jobEvent("orchestra.job.progress", "j"), data: { ...created.data, percent: "5" } }),
      "data.status",
    ],
    ["with a polluted prototype and nothing else", '{"__proto__":{"type":"orchestra.error"}}', "type"],
  ])("%s is refused with the path of what is wrong", (_, text, path) => {
    expect(() => readEvent(Buffer.from(text), LIMIT)).toThrow(error({ code: "INVALID_EVENT", path }));
  });

  it("may be as long as the limit and no longer", () => {
    expect(readEvent(Buffer.from(json), json.length)).toHaveLength(1);
    expect(() => readEvent(Buffer.from(json), json.length - 1)).toThrow(error({ code: "PAYLOAD_TOO_LARGE" }));
  });
});

describe("many events", () => {
  it("stand in one line each, with or without a last line break, CRLF and empty lines", () => {
    const body = lines(json, "", ` ${json}\r`, "\t", json);
    expect(readEventLines(body, LIMIT)).toEqual([
      { event: created, line: 1 },
      { event: created, line: 3 },
      { event: created, line: 5 },
    ]);
    expect(readEventLines(lines(json, ""), LIMIT)).toHaveLength(1);
    expect(readEventLines(lines(""), LIMIT)).toEqual([]);
  });

  it("are refused with the line and the path of what is wrong", () => {
    const wrong = JSON.stringify({ ...created, timestamp: -1 });
    expect(() => readEventLines(lines(json, "", wrong), LIMIT)).toThrow(
      error({
        code: "INVALID_EVENT",
        line: 3,
        path: "timestamp",
        message: expect.stringMatching(/^Line 3: timestamp: /),
      }),
    );
    expect(() => readEventLines(lines(json, "{"), LIMIT)).toThrow(error({ code: "INVALID_JSON", line: 2 }));
    expect(() => readEventLines(lines(json, json), json.length - 1)).toThrow(
      error({ code: "PAYLOAD_TOO_LARGE", line: 1 }),
    );
  });

  it("are at most 10,000 lines, empty ones included", () => {
    const tooMany = Array.from({ length: 10_001 }, () => json);
    expect(() => readEventLines(lines(...tooMany), LIMIT)).toThrow(error({ code: "PAYLOAD_TOO_LARGE" }));
    expect(readEventLines(lines(...tooMany.slice(1), ""), LIMIT)).toHaveLength(10_000);
    expect(() => readEventLines(lines(...tooMany.map(() => ""), json), LIMIT)).toThrow(
      error({ code: "PAYLOAD_TOO_LARGE" }),
    );
  });

  it("have no line longer than the limit, not even an empty one", () => {
    expect(() => readEventLines(lines(json, " ".repeat(LIMIT + 1)), LIMIT)).toThrow(
      error({ code: "PAYLOAD_TOO_LARGE", line: 2 }),
    );
    expect(readEventLines(lines(json, " ".repeat(LIMIT)), LIMIT)).toHaveLength(1);
  });
});
