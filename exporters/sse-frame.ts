import { unexpected } from "../src/errors.ts";
import type { Cursor, EventLogBounds, EventRecord, GapReason } from "../src/event/event-log.ts";

/** One frame of https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface SseFrame {
  /** What the client sends back as `Last-Event-ID`; no CR, LF or NUL. */
  id?: string | undefined;
  /** No CR, LF or NUL, and not a name that EventSource uses itself: `open`, `error`, `message`. */
  event?: string | undefined;
  /** Any text; CRLF and CR reach the client as LF. Without it the frame dispatches nothing. */
  data?: string | undefined;
  /** Milliseconds the client waits before it connects again; a whole number from 0. */
  retry?: number | undefined;
  /** Ignored by clients. */
  comment?: string | undefined;
}

/** Sent when a client cannot go on where it left off; what follows is what is left. */
export const RESYNC_EVENT = "orchestra.stream.resync";

/** Sent to a client that is not let in now; nothing is lost if it comes back and resumes. */
export const LATER_EVENT = "orchestra.stream.later";

/** EventSource dispatches these itself, and takes an empty name for `message`. */
const RESERVED_EVENTS: ReadonlySet<string> = new Set(["", "open", "error", "message"]);
const BREAKS_FIELD = /[\r\n\0]/;
const LINE_BREAK = /\r\n|\r|\n/;
/** Longest cursor that is worth repeating to the client that sent it. */
const ECHOED_LENGTH = 128;

/**
 * Encodes one frame that no content can break out of.
 * @throws INVALID_FRAME for an id, event name or retry that a client would read as something else
 */
export function encodeFrame({ comment, retry, id, event, data }: SseFrame): string {
  let frame = "";
  if (comment !== undefined) frame += encodeLines("", comment);
  if (retry !== undefined) frame += `retry: ${checkedRetry(retry)}\n`;
  if (id !== undefined) frame += `id: ${checkedField("id", id)}\n`;
  if (event !== undefined) frame += `event: ${checkedEvent(event)}\n`;
  if (data !== undefined) frame += encodeLines("data", data);
  return `${frame}\n`;
}

/** @throws INVALID_FRAME */
export function encodeRecord({ cursor, event, json }: EventRecord): string {
  return encodeFrame({ id: cursor, event: event.type, data: json });
}

/**
 * Moves the client's `Last-Event-ID` and keeps the connection alive, without dispatching anything.
 * Timers send it, so it never throws: a cursor that a log should not have made is left out.
 */
export function encodeHeartbeat(cursor: Cursor | undefined): Buffer {
  const isSafe = cursor !== undefined && !BREAKS_FIELD.test(cursor);
  return Buffer.from(encodeFrame(isSafe ? { id: cursor } : { comment: "" }));
}

export function encodeResync(reason: GapReason, requested: string, bounds: EventLogBounds): Buffer {
  const { oldest = null, latest } = bounds;
  const data = JSON.stringify({ reason, requested: requested.slice(0, ECHOED_LENGTH), oldest, latest });
  return Buffer.from(encodeFrame({ event: RESYNC_EVENT, data }));
}

/** Why a client is not let in. */
export type LaterReason = "full" | "closing";

export function encodeLater(reason: LaterReason, retryMs: number): Buffer {
  const data = JSON.stringify({ reason, retryMs });
  return Buffer.from(encodeFrame({ retry: retryMs, event: LATER_EVENT, data }));
}

function encodeLines(field: "data" | "", text: string): string {
  // Searching for each break is several times faster than the expression on text that has none.
  if (!text.includes("\n") && !text.includes("\r")) return `${field}: ${text}\n`;
  let lines = "";
  for (const line of text.split(LINE_BREAK)) lines += `${field}: ${line}\n`;
  return lines;
}

function checkedField(field: "id" | "event", value: string): string {
  if (typeof value === "string" && !BREAKS_FIELD.test(value)) return value;
  throw unexpected("INVALID_FRAME", field, "a string without CR, LF and NUL", value);
}

function checkedEvent(event: string): string {
  if (!RESERVED_EVENTS.has(event)) return checkedField("event", event);
  throw unexpected("INVALID_FRAME", "event", "a name that EventSource does not use itself", event);
}

function checkedRetry(retry: number): number {
  if (Number.isSafeInteger(retry) && retry >= 0) return retry;
  throw unexpected("INVALID_FRAME", "retry", "a whole number from 0", retry);
}
