import type { JobProgressInput } from "../job/job-input.ts";

/** What a command prints at the start of a line to report progress. */
export const PROGRESS_MARK = "::progress ";

/**
 * Reads `::progress 40 compiling`, `::progress 40% compiling`, `::progress 3/10 files` and
 * `::progress compiling`. What is no number from 0 to 100 belongs to the message.
 * @returns undefined when the line is not progress
 */
export function parseProgressLine(line: string): JobProgressInput | undefined {
  if (!line.startsWith(PROGRESS_MARK)) return undefined;
  const text = line.slice(PROGRESS_MARK.length).trim();
  if (text === "") return undefined;
  return countOf(text) ?? percentOf(text) ?? { message: text };
}

function countOf(text: string): JobProgressInput | undefined {
  const match = /^(\d{1,15})\/(\d{1,15})(?:\s+(.*))?$/s.exec(text);
  if (match === null) return undefined;
  const current = Number(match[1]);
  const total = Number(match[2]);
  const percent = total === 0 ? undefined : Math.min(100, (current / total) * 100);
  return { message: match[3] ?? "", current, total, percent };
}

function percentOf(text: string): JobProgressInput | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)%?(?:\s+(.*))?$/s.exec(text);
  const percent = Number(match?.[1]);
  return percent <= 100 ? { message: match?.[2] ?? "", percent } : undefined;
}
