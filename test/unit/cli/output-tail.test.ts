import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutputTail } from "../../../src/cli/output-tail.ts";

function tailOf(...chunks: string[]): OutputTail {
  const tail = new OutputTail();
  for (const chunk of chunks) tail.push(Buffer.from(chunk));
  return tail;
}

describe("the end of the output", () => {
  test("is all of it while it is short", () => {
    expect(tailOf("one\n", "two\n", "three").text()).toBe("one\ntwo\nthree");
  });

  test("is at most 200 lines", () => {
    const lines = Array.from({ length: 500 }, (_, line) => String(line));

    expect(
      tailOf(`${lines.join("\n")}\n`)
        .text()
        .split("\n"),
    ).toEqual(lines.slice(300));
  });

  test("is at most 16 KB, and does not begin within a character", () => {
    const text = tailOf("x", "€".repeat(10_000)).text();

    expect(text).toBe("€".repeat(Math.floor(16_384 / 3)));
  });

  test("is the same however it came", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3_000 }), { maxLength: 20 }), (chunks) => {
        expect(tailOf(...chunks).text()).toBe(tailOf(chunks.join("")).text());
      }),
      { numRuns: 50 },
    );
  });
});

describe("the last line", () => {
  test.each([
    ["a\nb\n\n", "b"],
    ["a\n  b  ", "b"],
    ["", ""],
  ])("of %j is %j", (output, line) => {
    expect(tailOf(output).lastLine()).toBe(line);
  });
});
