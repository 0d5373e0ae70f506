import type { JobEvent, JobEventType } from "../../event/event.ts";
import { isCut } from "../jobs/job-fields.ts";
import { number } from "../text/format.ts";

/** The texts of a job that can be long, and the events that tell them. */
const TELLING = {
  message: "orchestra.job.created",
  responsePreview: "orchestra.job.completed",
  error: "orchestra.job.failed",
  reason: "orchestra.job.canceled",
} as const satisfies Record<string, JobEventType>;

/** The whole of a text that the list may hold the beginning of, as far as the events at hand have more of it. */
export function wholeText(held: string, events: readonly JobEvent[], field: keyof typeof TELLING): string {
  if (!isCut(held)) return held;
  const told = events.findLast(({ type }) => type === TELLING[field])?.data as
    | Record<string, unknown>
    | undefined;
  const whole = told?.[field];
  return typeof whole === "string" && whole.startsWith(held.slice(0, -1)) ? whole : held;
}

/** What is missing of a text that was `length` long, and why; undefined when nothing is. */
export function cutNote(text: string, length: number | undefined): string | undefined {
  const isHeldShort = isCut(text) && (length ?? Number.POSITIVE_INFINITY) > text.length;
  const shown = isHeldShort ? text.length - 1 : text.length;
  if (!isHeldShort && (length === undefined || length <= shown)) return undefined;
  const amount = length === undefined ? number(shown) : `${number(shown)} of ${number(length)}`;
  const why = isHeldShort ? "the list of jobs holds no more" : "the rest did not leave the process";
  return `The first ${amount} characters: ${why}.`;
}
