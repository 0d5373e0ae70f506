/**
 * Every error code this library can throw or answer with, and what it means.
 * Codes are stable API: they appear in `error.code`, in HTTP error bodies and in `docs/errors.md`,
 * and a test holds the three together.
 */
export const ERROR_CODES = {
  INVALID_ARGUMENT: "A value handed to the API has the wrong type, range or shape; nothing was changed.",
  INVALID_CONFIG: "An option or environment variable cannot be used; the message names it.",
  UNKNOWN_JOB: "No job with this id is held: it was never created here, or retention has evicted it.",
  DUPLICATE_JOB: "A job with this id exists already.",
  ILLEGAL_TRANSITION: "The job's state does not allow this change; nothing was changed.",
  AWAIT_TIMEOUT: "The job did not end within the time given to `await`; it goes on running.",
  JOB_TIMEOUT: "The job exceeded its time budget and was ended.",
  INVALID_EVENT: "An event does not fit the envelope or its type's fields; the message gives the path.",
  INVALID_FRAME: "A server-sent event name or id would break the stream's framing.",
  INVALID_JSON: "A request body or line is not JSON.",
  PAYLOAD_TOO_LARGE: "A request body or one of its lines exceeds the limit.",
  UNSUPPORTED_MEDIA_TYPE: "The request body's content type is neither JSON nor NDJSON.",
  RATE_LIMITED: "Too many requests, or too many wrong tokens, came from this address.",
  UNAUTHORIZED: "The request needs the token, and none or a wrong one was sent.",
  FORBIDDEN_HOST: "The Host header names a host this server does not answer for.",
  FORBIDDEN_ORIGIN: "The Origin header names a site that is not allowed.",
  NOT_FOUND: "There is no such route or resource.",
  METHOD_NOT_ALLOWED: "The route exists, but not for this method.",
  CONFLICT: "The event contradicts what the log already holds; nothing was applied.",
  BAD_REQUEST: "The request is malformed.",
  UNAVAILABLE: "The server is shutting down or cannot accept the request now.",
  CLOSED: "The component was shut down and takes nothing more.",
  INTERNAL: "An unexpected fault on our side; the process goes on.",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Any error this library throws on purpose. `code` is stable, `message` is for people. */
export class OrchestraError extends Error {
  readonly code: ErrorCode;
  /** Where the fault is: an option, a field or a path such as `data.percent`. */
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; path?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OrchestraError";
    this.code = code;
    this.path = options.path;
  }
}

/** `Expected \`percent\` to be a number from 0 to 100, got \`NaN\` (number)`. */
export function invalidArgument(path: string, expected: string, got: unknown): OrchestraError {
  return unexpected("INVALID_ARGUMENT", path, expected, got);
}

/** The same for any other code: `path` is not what was `expected`. */
export function unexpected(code: ErrorCode, path: string, expected: string, got: unknown): OrchestraError {
  const message = `Expected \`${path}\` to be ${expected}, got \`${describe(got)}\` (${typeName(got)})`;
  return new OrchestraError(code, message, { path });
}

/** What went wrong, in words, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const DESCRIBED_LENGTH = 80;

/** A short, safe rendering of any value: it must not throw, whatever it was given. */
function describe(value: unknown): string {
  let text: string;
  try {
    text = typeof value === "object" && value !== null ? (JSON.stringify(value) ?? "") : String(value);
  } catch {
    text = "unprintable";
  }
  return text.length > DESCRIBED_LENGTH ? `${text.slice(0, DESCRIBED_LENGTH)}…` : text;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
