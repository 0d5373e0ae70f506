import { readableDuration } from "../../exporters/log-text.ts";
import type { JobSnapshot, TelemetryStats } from "../../src/index.ts";
import type { Feed } from "./feed.ts";

const SYMBOLS = { queued: "…", running: "●", succeeded: "✓", failed: "✗", canceled: "⊘" } as const;

/** One row per job, in the order of their creation. */
export function summaryTable(jobs: readonly JobSnapshot[]): string {
  const rows = jobs.map((job) => [
    `${SYMBOLS[job.status]} ${job.status}`,
    job.workerId,
    job.message ?? "",
    job.durationMs === undefined ? "" : readableDuration(job.durationMs),
    firstLine(job.error ?? job.reason ?? ""),
  ]);
  const header = ["status", "worker", "job", "took", "why"];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
}

interface SpanCounts {
  ended: number;
  exported: number;
  pending: number;
  /** Given up on, for whatever reason. */
  dropped: number;
}

export interface Totals {
  jobs: { created: number; succeeded: number; failed: number; canceled: number };
  events: number;
  spans: SpanCounts;
  logLines: number;
  sse: { delivered: number };
  url: string;
}

export function totals(feed: Feed, events: number, stats: TelemetryStats, url: string): Totals {
  const jobs = feed.jobs();
  const count = (status: JobSnapshot["status"]) => jobs.filter((job) => job.status === status).length;
  return {
    jobs: {
      created: jobs.length,
      succeeded: count("succeeded"),
      failed: count("failed"),
      canceled: count("canceled"),
    },
    events,
    spans: spanCounts(stats.spans),
    logLines: stats.logs.written,
    sse: { delivered: feed.delivered() },
    url,
  };
}

/** Those that earlier processes left to be sent are counted, too. None, when spans are switched off. */
function spanCounts(spans: TelemetryStats["spans"]): SpanCounts {
  if (spans === undefined) return { ended: 0, exported: 0, pending: 0, dropped: 0 };
  const { ended, exported, pending, dropped, inherited } = spans;
  return {
    ended: ended + inherited.found,
    exported: exported + inherited.exported,
    pending: pending + inherited.pending,
    dropped: sum(Object.values(dropped)) + sum(Object.values(inherited.dropped)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
