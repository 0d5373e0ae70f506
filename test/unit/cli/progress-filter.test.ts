import fc from "fast-check";
import { expect, test } from "vitest";
import { ProgressFilter } from "../../../src/cli/progress-filter.ts";
import { parseProgressLine } from "../../../src/cli/progress-line.ts";

function createFilter() {
  const messages: string[] = [];
  const filter = new ProgressFilter(({ message }) => messages.push(message));
  return {
    messages,
    push: (text: string) => filter.push(Buffer.from(text)).toString(),
    end: () => filter.end().toString(),
  };
}

test("progress lines are taken out and all else is let through", () => {
  const { push, messages } = createFilter();

  expect(push("one\n::progress 40 compiling\ntwo\n")).toBe("one\ntwo\n");
  expect(messages).toEqual(["compiling"]);
});

test("a prompt without a line end is printed at once", () => {
  const { push } = createFilter();

  expect(push("Continue? ")).toBe("Continue? ");
});

test("a line that may become progress is held back until it is decided", () => {
  const { push, messages } = createFilter();

  expect(push("::pro")).toBe("");
  expect(push("gress 1 a")).toBe("");
  expect(push("\n::pros and cons\n")).toBe("::pros and cons\n");
  expect(messages).toEqual(["a"]);
});

test("the mark counts at the start of a line only, however the line arrives", () => {
  const { push, messages } = createFilter();

  expect(push("see ")).toBe("see ");
  expect(push("::progress 40\n")).toBe("::progress 40\n");
  expect(messages).toEqual([]);
});

test("a marked line that never ends is output in the end", () => {
  const { push } = createFilter();
  const line = `::progress ${"x".repeat(10_000)}`;

  expect(push(line)).toBe(line);
  expect(push("y\n")).toBe("y\n");
});

test("a last line without a line end is progress, too", () => {
  const { push, end, messages } = createFilter();

  expect(push("::progress done")).toBe("");
  expect(end()).toBe("");
  expect(messages).toEqual(["done"]);
});

test("what was held back and is no progress comes out at the end", () => {
  const { push, end } = createFilter();
  push("::prog");

  expect(end()).toBe("::prog");
  expect(end()).toBe("");
});

test("bytes that are no text pass unchanged, and chunks change nothing", () => {
  const line = fc.oneof(
    fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", "")),
    fc.constantFrom("::progress 40 a", "::progress 1/2 b", "::progress", "::pro", "x ::progress 1 c"),
  );
  const cuts = fc.array(fc.nat(60), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 10 }), cuts, (lines, lengths) => {
      const isProgress = (text: string) =>
        parseProgressLine(Buffer.from(text, "latin1").toString()) !== undefined;
      const kept = lines.filter((text) => !isProgress(text));
      let progress = 0;
      const filter = new ProgressFilter(() => progress++);
      let input = Buffer.from(lines.map((text) => `${text}\n`).join(""), "latin1");
      const output: Buffer[] = [];
      for (const length of lengths) {
        output.push(filter.push(input.subarray(0, length)));
        input = input.subarray(length);
      }
      output.push(filter.push(input), filter.end());

      expect(Buffer.concat(output).toString("latin1")).toBe(kept.map((text) => `${text}\n`).join(""));
      expect(progress).toBe(lines.length - kept.length);
    }),
  );
});
