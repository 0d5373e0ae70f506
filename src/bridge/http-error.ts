import type { ServerResponse } from "node:http";
import { ERROR_CODES, type ErrorCode, OrchestraError } from "../errors.ts";

/** The HTTP status of each error that a request can meet; all others are faults of ours. */
export const ERROR_STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  INVALID_EVENT: 400,
  INVALID_JSON: 400,
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN_HOST: 403,
  FORBIDDEN_ORIGIN: 403,
  UNKNOWN_JOB: 404,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  ILLEGAL_TRANSITION: 409,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  CLOSED: 503,
};

/** A fault in one line of a body of many. */
export class LineError extends OrchestraError {
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, error: OrchestraError) {
    super(error.code, `Line ${line}: ${error.message}`, { cause: error, path: error.path });
    this.line = line;
  }
}

/** Too much of something that is good in itself. */
export class RateLimitError extends OrchestraError {
  /** When it may be tried again. */
  readonly retryAfterSeconds: number;

  constructor(waitMs: number) {
    const seconds = Math.ceil(waitMs / 1_000);
    super("RATE_LIMITED", `${ERROR_CODES.RATE_LIMITED} Try again in ${seconds} s`);
    this.retryAfterSeconds = seconds;
  }
}

export interface HttpError {
  status: number;
  headers: Record<string, string>;
  body: { error: { code: ErrorCode; message: string; path?: string | undefined; line?: number | undefined } };
}

/** What to answer for anything thrown. Faults of ours are told of without details. */
export function httpErrorOf(thrown: unknown): HttpError {
  const error = thrown instanceof OrchestraError ? thrown : translated(thrown);
  const { code, message, path } = error;
  const line = error instanceof LineError ? error.line : undefined;
  const status = ERROR_STATUS[code];
  if (status === undefined) {
    return { status: 500, headers: {}, body: { error: { code: "INTERNAL", message: ERROR_CODES.INTERNAL } } };
  }
  return {
    status,
    headers: headersOf(error),
    body: { error: { code, message, path, line } },
  };
}

function headersOf(error: OrchestraError): Record<string, string> {
  if (error instanceof RateLimitError) return { "retry-after": String(error.retryAfterSeconds) };
  return error.code === "UNAUTHORIZED" ? { "www-authenticate": 'Bearer realm="orchestra-otel"' } : {};
}

/** For requests that are refused before the framework sees them. What they would still send is not read. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const { status, headers, body } = httpErrorOf(thrown);
  const json = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json; charset=utf-8",
    "content-length": json.length,
    // HTTP/2 has no such header: there the stream alone ends.
    ...(response.req.httpVersionMajor === 1 && { connection: "close" }),
  });
  response.end(json);
}

/** Fastify's own errors: their codes are no part of our API, and their statuses are. */
function translated(thrown: unknown): OrchestraError {
  const { statusCode } = (thrown ?? {}) as { statusCode?: unknown };
  switch (statusCode) {
    case 413:
      return new OrchestraError("PAYLOAD_TOO_LARGE", "The request body exceeds the limit");
    case 415:
      return new OrchestraError("UNSUPPORTED_MEDIA_TYPE", ERROR_CODES.UNSUPPORTED_MEDIA_TYPE);
    case 400:
    case 414:
      return new OrchestraError("BAD_REQUEST", ERROR_CODES.BAD_REQUEST);
    default:
      return new OrchestraError("INTERNAL", ERROR_CODES.INTERNAL, { cause: thrown });
  }
}
