import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProgressLine } from "../../../src/cli/progress-line.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";

test.each([
  ["::progress 40 compiling", { percent: 40, message: "compiling" }],
  ["::progress 40% compiling", { percent: 40, message: "compiling" }],
  ["::progress 12.5 compiling the lexer\r\n", { percent: 12.5, message: "compiling the lexer" }],
  ["::progress 100", { percent: 100, message: "" }],
  ["::progress compiling", { message: "compiling" }],
  ["::progress 3/10 files", { current: 3, total: 10, percent: 30, message: "files" }],
  ["::progress 3/10", { current: 3, total: 10, percent: 30, message: "" }],
  ["::progress 11/10 files", { current: 11, total: 10, percent: 100, message: "files" }],
  ["::progress 0/0 files", { current: 0, total: 0, percent: undefined, message: "files" }],
  ["::progress 140 files to go", { message: "140 files to go" }],
  ["::progress -1 below", { message: "-1 below" }],
  ["::progress 40files", { message: "40files" }],
])("%j", (line, progress) => {
  expect(parseProgressLine(line)).toEqual(progress);
});

test.each(["progress 40", " ::progress 40", "::progress", "::progress  ", "::progress40", ""])(
  "%j is output",
  (line) => {
    expect(parseProgressLine(line)).toBeUndefined();
  },
);

test("whatever a command prints, a job can take it", () => {
  const token = fc.oneof(fc.string(), fc.double().map(String), fc.stringMatching(/^\d+\/\d+$/));
  const registry = new WorkerJobRegistry();
  const { id } = registry.create({ workerId: "build", message: "" });
  fc.assert(
    fc.property(token, fc.string(), (first, rest) => {
      const progress = parseProgressLine(`::progress ${first} ${rest}`);
      if (progress !== undefined) registry.updateProgress(id, progress);
    }),
  );
});
