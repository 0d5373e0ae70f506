import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { beginOf, endOf, type TimeWindow } from "./timeline-tree.ts";

/** Where a job's bar lies; all in percent of the window's width. */
export interface Bar {
  left: number;
  width: number;
  /** Of the bar's own width: the part in which the job waited for its worker. */
  queued: number;
  /** Whether there is more of it before, or after, what is seen. */
  isCutLeft: boolean;
  isCutRight: boolean;
}

export interface Tick {
  /** In percent of the window's width. */
  left: number;
  /** In milliseconds since the epoch. */
  at: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Distances that people count in. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((days) => days * DAY),
];

/** Shorter or longer ones show nothing. */
const MIN_WINDOW_MS = 20;
const MAX_WINDOW_MS = 7 * DAY;
/** A window that moves with the time is at least so long. */
const MIN_LIVE_MS = 10 * SECOND;

export function barOf(job: JobSnapshot, window: TimeWindow, now: number): Bar {
  const [begin, end] = [beginOf(job), endOf(job, now)];
  const from = Math.max(begin, window.from);
  const to = Math.max(from, Math.min(end, window.to));
  const waited = job.status === "queued" ? to : Math.min(Math.max(job.startedAt, from), to);
  return {
    left: place(from, window),
    width: place(to, window) - place(from, window),
    queued: to === from ? 0 : (100 * (waited - from)) / (to - from),
    isCutLeft: begin < window.from,
    isCutRight: end > window.to,
  };
}

/** Where `time` lies, in percent of the window's width; beyond it, below 0 or above 100. */
export function place(time: number, { from, to }: TimeWindow): number {
  return (100 * (time - from)) / (to - from);
}

/** At most `max` of them, at round times of the viewer's clock. */
export function ticks(window: TimeWindow, max: number, zoneOffsetMs = 0): Tick[] {
  const length = window.to - window.from;
  const step = STEPS.find((each) => length / each <= max) ?? length;
  const found: Tick[] = [];
  const first = Math.ceil((window.from + zoneOffsetMs) / step) * step - zoneOffsetMs;
  for (let at = first; at <= window.to && found.length < max; at += step) {
    found.push({ at, left: place(at, window) });
  }
  return found;
}

/** Shows `factor` times as much, leaving the time at `anchor` (0 to 1) where it is. */
export function zoom({ from, to }: TimeWindow, factor: number, anchor = 0.5): TimeWindow {
  const length = Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, (to - from) * factor));
  const fixed = from + (to - from) * anchor;
  const start = Math.max(0, fixed - length * anchor);
  return { from: start, to: start + length };
}

/** Moves by a share of what is seen. */
export function pan({ from, to }: TimeWindow, share: number): TimeWindow {
  const start = Math.max(0, from + (to - from) * share);
  return { from: start, to: start + (to - from) };
}

/** The last so many minutes, or since the first of the jobs began: what lies before it is empty. */
export function lastMinutes(minutes: number, jobs: readonly JobSnapshot[], now: number): TimeWindow {
  const first = windowOf(jobs, now)?.from ?? 0;
  const from = Math.max(now - minutes * MINUTE, Math.min(first, now - MIN_LIVE_MS));
  return { from, to: now };
}

/** What shows all of the jobs, with some room at the sides; undefined for none. */
export function windowOf(jobs: readonly JobSnapshot[], now: number): TimeWindow | undefined {
  if (jobs.length === 0) return undefined;
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const job of jobs) {
    from = Math.min(from, beginOf(job));
    to = Math.max(to, endOf(job, now));
  }
  const room = Math.max(MIN_WINDOW_MS, (to - from) * 0.02);
  return { from: Math.max(0, from - room), to: to + room };
}
