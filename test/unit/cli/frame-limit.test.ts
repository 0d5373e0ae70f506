import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameLimit } from "../../../src/cli/frame-limit.ts";

function read(parts: readonly string[], maxLength: number) {
  const data: string[] = [];
  const skipped: (string | undefined)[] = [];
  const parser = createParser({ onEvent: (message) => data.push(message.data) });
  const limit = new FrameLimit(parser, { maxLength, onSkipped: (id) => skipped.push(id) });
  for (const part of parts) limit.feed(part);
  return { data, skipped };
}

test.each(["\n", "\r\n", "\r"])("a frame that is too long is left out alone (line ends %j)", (end) => {
  const frame = (id: string, text: string) => `id: ${id}${end}data: ${text}${end}${end}`;
  const text = frame("1", "a") + frame("2", "x".repeat(50)) + frame("3", "b");

  const expected = { data: ["a", "b"], skipped: ["2"] };
  expect(read([text], 40)).toEqual(expected);
  expect(read([...text], 40)).toEqual(expected);
});

test("many small frames are no long one", () => {
  expect(read(["data: 1\n\n".repeat(100)], 20).data).toHaveLength(100);
});

test("a frame without an id is left out, too", () => {
  expect(read([`data: ${"x".repeat(50)}\n`, "data: more\n", "\ndata: 1\n\n"], 40)).toEqual({
    data: ["1"],
    skipped: [undefined],
  });
});

test("what is short enough is read as without a limit, however it is split", () => {
  const line = fc.constantFrom("id: 1", "data: a", "data", "event: x", ": note", "");
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")))
    .map((lines) => lines.map(([text, end]) => text + end).join(""));
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200)), (text, cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const parts = places.slice(1).map((place, index) => text.slice(places[index], place));
      const data: string[] = [];
      createParser({ onEvent: (message) => data.push(message.data) }).feed(`${text}\n`);
      expect(read([...parts, "\n"], 10_000).data).toEqual(data);
    }),
  );
});
