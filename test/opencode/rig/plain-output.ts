import type { Ending } from "./opencode-process.ts";

/**
 * What a process has written and how it ended, without what is never the same twice: ids, and which of two
 * parallel lines was first.
 */
export function plainEnding({ code, signal, stdout, stderr }: Ending) {
  return { code, signal, stdout: plainLines(stdout), stderr: plainLines(stderr) };
}

function plainLines(text: string): string[] {
  return text
    .replaceAll(/\b(ses|msg|prt|call|toolu)_\w+/g, "$1_…")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:…")
    .split("\n")
    .toSorted();
}
