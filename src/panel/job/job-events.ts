import type { JobEvent } from "../../event/event.ts";
import { lengthOf } from "../../event/json-length.ts";
import { JOB_EVENT_FIELDS, pick, type Shape } from "../jobs/job-fields.ts";
import { type Progress, percentOf, progressText } from "../text/progress-text.ts";

/** Events of one job that a page holds, and what they may come to as JSON, in UTF-16 code units. */
const MAX_EVENTS = 5_000;
const MAX_LENGTH = 16 * 1024 * 1024;

export interface HeldEvents {
  /** As they came. */
  events: readonly JobEvent[];
  /** The oldest, let go as there were too many. */
  letGo: number;
}

export const NO_EVENTS: HeldEvents = { events: [], letGo: 0 };

/**
 * `held` and `more`, each event once, in the order of their revisions: pages that are read and events that
 * come meanwhile may tell the same. A job that has begun anew counts its revisions anew.
 */
export function merged({ events, letGo }: HeldEvents, more: readonly JobEvent[]): HeldEvents {
  const known = new Set(events.map(({ id }) => id));
  const news = more.filter(({ id }) => !known.has(id));
  if (news.length === 0) return { events, letGo };
  const all = inOrder([...events, ...news]);
  const surplus = surplusOf(all);
  return { events: all.slice(surplus), letGo: letGo + surplus };
}

/** How many of the oldest are too much. The newest is held, however long. */
function surplusOf(events: readonly JobEvent[]): number {
  let first = events.length - 1;
  let length = lengthOfEvent(events[first] as JobEvent);
  for (; first > 0 && events.length - first < MAX_EVENTS; first--) {
    length += lengthOfEvent(events[first - 1] as JobEvent);
    if (length > MAX_LENGTH) break;
  }
  return first;
}

/** Events never change. */
const lengths = new WeakMap<JobEvent, number>();

function lengthOfEvent(event: JobEvent): number {
  const length = lengths.get(event) ?? lengthOf(event);
  lengths.set(event, length);
  return length;
}

function inOrder(events: JobEvent[]): JobEvent[] {
  const begins = events
    .filter(({ type }) => type === "orchestra.job.created")
    .map(({ timestamp }) => timestamp);
  // The times alone are no order: clocks are set back. They only tell one life from another.
  const [, ...anew] = begins.sort((a, b) => a - b);
  const lifeOf = ({ timestamp }: JobEvent) =>
    anew.length === 0 ? 0 : anew.filter((begin) => begin <= timestamp).length;
  const compare = (a: JobEvent, b: JobEvent) => lifeOf(a) - lifeOf(b) || revisionOf(a) - revisionOf(b);
  const isInOrder = events.every(
    (event, index) => index === 0 || compare(events[index - 1] as JobEvent, event) <= 0,
  );
  return isInOrder ? events : events.sort(compare);
}

function revisionOf({ data }: JobEvent): number {
  return Number.isFinite(data.revision) ? data.revision : Number.MAX_VALUE;
}

export interface ProgressPoint {
  at: number;
  percent: number;
}

const { percent, current, total } = JOB_EVENT_FIELDS["orchestra.job.progress"];
/** What is looked at in thousands of events. */
const AMOUNT = { percent, current, total } as Shape;

/** How far the job was when, for as far as it has said so. */
export function progressPoints(events: readonly JobEvent[]): ProgressPoint[] {
  return events.flatMap(({ type, timestamp, data }) => {
    if (type !== "orchestra.job.progress" || !Number.isFinite(timestamp)) return [];
    const percent = percentOf(pick(AMOUNT, data));
    return percent === undefined ? [] : [{ at: timestamp, percent }];
  });
}

/** All that the events below may say. */
interface Said extends Partial<Progress> {
  report?: { summary?: string };
  responsePreview?: string;
  error?: string;
  reason?: string;
}

/** What the event adds, in a line. Nobody has checked it: what is no text is not said. */
export function eventText({ type, data }: JobEvent): string {
  const said: Said = pick(JOB_EVENT_FIELDS[type], data);
  const { message = "", percent, stage, report, responsePreview, error, reason } = said;
  switch (type) {
    case "orchestra.job.created":
      return message;
    case "orchestra.job.progress":
      return progressText({ message, percent, stage });
    case "orchestra.job.completed":
      return report?.summary ?? responsePreview ?? "";
    case "orchestra.job.failed":
      return error ?? "";
    case "orchestra.job.canceled":
      return reason ?? "";
    case "orchestra.job.reported":
      return report?.summary ?? "";
    default:
      return "";
  }
}
