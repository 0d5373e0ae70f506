import type { JobEventType } from "../../event/event.ts";
import { JOB_TRANSITIONS } from "../../job/job.ts";

/** Whether a value can be shown as what it is said to be. */
type Fits = (value: unknown) => boolean;

/** The fields of an object, each with what it must be. */
export interface Shape {
  readonly [name: string]: Fits | Shape;
}

const isText: Fits = (value) => typeof value === "string";
const isNumber: Fits = (value) => Number.isFinite(value);
const isStatus: Fits = (value) => typeof value === "string" && Object.hasOwn(JOB_TRANSITIONS, value);
const isList: Fits = (value) => Array.isArray(value) && value.every(isText);

const REPORT = { summary: isText, details: isText, issues: isList, notes: isText };

const JOB = {
  jobId: isText,
  workerId: isText,
  sessionId: isText,
  requestedBy: isText,
  parentJobId: isText,
  workflow: { runId: isText, stepId: isText },
  attempt: isNumber,
  revision: isNumber,
  startedAt: isNumber,
  status: isStatus,
};

const END = { ...JOB, finishedAt: isNumber, durationMs: isNumber, report: REPORT };

/**
 * What each type of job event tells of its job. The schemas of the events say the same, and more strictly,
 * but would be most of what a page has to load; a test holds the two together.
 */
export const JOB_EVENT_FIELDS: Readonly<Record<JobEventType, Shape>> = {
  "orchestra.job.created": {
    ...JOB,
    message: isText,
    messageLength: isNumber,
    queuedAt: isNumber,
    parentTraceparent: isText,
  },
  "orchestra.job.started": { ...JOB, queuedMs: isNumber },
  "orchestra.job.progress": {
    ...JOB,
    message: isText,
    percent: isNumber,
    current: isNumber,
    total: isNumber,
    unit: isText,
    stage: isText,
    updatedAt: isNumber,
  },
  "orchestra.job.completed": { ...END, responsePreview: isText, responseLength: isNumber },
  "orchestra.job.failed": { ...END, error: isText, errorType: isText },
  "orchestra.job.canceled": { ...END, reason: isText },
  "orchestra.job.reported": { ...JOB, report: REPORT },
};

/** As the bridge keeps them: longest text in UTF-16 code units, and most entries of a list. */
const MAX_LENGTH = 4_096;
const MAX_ENTRIES = 20;

/** The fields of `data` that `shape` has and that are what they should be; long texts are cut. */
export function pick(shape: Shape, data: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(shape)) {
    const value = (data as Record<string, unknown>)[name];
    const part = shape[name] as Fits | Shape;
    if (typeof part !== "function") {
      if (typeof value === "object" && value !== null) fields[name] = pick(part, value);
    } else if (part(value)) {
      fields[name] = cut(value);
    }
  }
  return fields;
}

function cut(value: unknown): unknown {
  if (typeof value === "string") return cutText(value);
  return Array.isArray(value) ? value.slice(0, MAX_ENTRIES).map(cut) : value;
}

function cutText(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  return `${text.slice(0, MAX_LENGTH - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Whether `text` may be the beginning of a longer one. */
export function isCut(text: string): boolean {
  return text.length >= MAX_LENGTH - 1 && text.length <= MAX_LENGTH && text.endsWith("…");
}
