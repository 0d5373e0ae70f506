import { OrchestraError } from "../errors.ts";
import { type OrchestratorEvent, parseOrchestratorEvent } from "../event/event.ts";
import { LineError } from "./http-error.ts";

/** An event from outside, checked, and the line it stood in when there can be several. */
export interface PostedEvent {
  event: OrchestratorEvent;
  line: number | undefined;
}

/** Lines of one request, empty ones included: each costs time. */
const MAX_LINES = 10_000;
const LF = 0x0a;

/** @throws INVALID_JSON, INVALID_EVENT, PAYLOAD_TOO_LARGE past `maxLineLength` bytes */
export function readEvent(body: Buffer, maxLineLength: number): PostedEvent[] {
  return [{ event: parseLine(body, maxLineLength), line: undefined }];
}

/**
 * Newline-delimited JSON; empty lines are skipped.
 * @throws as `readEvent`, naming the line
 */
export function readEventLines(body: Buffer, maxLineLength: number): PostedEvent[] {
  const events: PostedEvent[] = [];
  let line = 0;
  for (let start = 0; start < body.length; ) {
    const lineBreak = body.indexOf(LF, start);
    const end = lineBreak === -1 ? body.length : lineBreak;
    const bytes = body.subarray(start, end);
    start = end + 1;
    if (++line > MAX_LINES) {
      throw new OrchestraError("PAYLOAD_TOO_LARGE", `Expected at most ${MAX_LINES} lines in one request`);
    }
    if (bytes.length <= maxLineLength && isBlank(bytes)) continue;
    events.push({ event: atLine(line, () => parseLine(bytes, maxLineLength)), line });
  }
  return events;
}

function parseLine(bytes: Buffer, maxLength: number): OrchestratorEvent {
  if (bytes.length > maxLength) {
    throw new OrchestraError("PAYLOAD_TOO_LARGE", `Expected an event of at most ${maxLength} bytes`);
  }
  return parseOrchestratorEvent(parseJson(bytes));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws INVALID_JSON, also for what is not UTF-8 */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new OrchestraError("INVALID_JSON", "Expected JSON in UTF-8", { cause });
  }
}

function atLine<T>(line: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof OrchestraError ? new LineError(line, error) : error;
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
