import type { SpanCodecs } from "./span-outbox-codec.ts";
import type { Reply } from "./span-transport.ts";

/** What a reply, or its lack, means for the batch that was sent. */
export type Verdict = Accepted | Unacceptable | Later;

interface Accepted {
  readonly kind: "accepted";
  /** Spans that the receiver did not take, and will not take next time either. */
  readonly rejected: number;
  readonly message: string;
}

/** The receiver understood, and will never take this content. */
interface Unacceptable {
  readonly kind: "unacceptable";
  readonly reason: string;
}

/** Nothing is known to be wrong with the content: it stays and is sent again. */
export interface Later {
  readonly kind: "later";
  readonly reason: string;
  /** The time that the receiver asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Only a person can change it, so that trying often would be of no use. */
  readonly isSlow: boolean;
}

/**
 * Statuses that speak of the content: bad request, too large, of a type or encoding that is not taken.
 * OTLP lets a client give up on every 4xx; what speaks of the way there (credentials, paths, methods) is
 * put right by people, and spans that are on disk can wait for them.
 * https://opentelemetry.io/docs/specs/otlp/#failures-1
 */
const CONTENT_STATUSES = new Set([400, 413, 415, 422, 431]);
/** Of the other 4xx, those that pass by themselves: timeout, too early, too many requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);
/** Of what a receiver says no more is repeated, in UTF-16 code units. */
const MAX_REASON_LENGTH = 200;

export function judge(reply: Reply, codecs: SpanCodecs, nowMs: number): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300) return judgeSuccess(reply, codecs);
  const reason = reasonOf(reply);
  if (CONTENT_STATUSES.has(status)) return { kind: "unacceptable", reason };
  const isSlow = status < 500 && !PASSING_STATUSES.has(status);
  return { kind: "later", reason, retryAfterMs: parseRetryAfter(reply.retryAfter, nowMs), isSlow };
}

export function later(error: unknown): Later {
  const { message, code } = error as NodeJS.ErrnoException;
  // Connection errors to several addresses come as one error without a message of its own.
  return { kind: "later", reason: message || code || "unknown error", isSlow: false };
}

/** An answer that cannot be understood is no acknowledgement. */
function judgeSuccess(reply: Reply, codecs: SpanCodecs): Verdict {
  try {
    const { rejectedSpans, errorMessage = "" } = codecs.readSuccess(reply.contentType, reply.body);
    return { kind: "accepted", rejected: Math.max(0, Number(rejectedSpans) || 0), message: errorMessage };
  } catch {
    return { kind: "later", reason: `HTTP ${reply.status} with a body that is not OTLP`, isSlow: true };
  }
}

/** Seconds or a date, RFC 9110 section 10.2.3. */
function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const delay = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isNaN(delay) ? undefined : Math.max(0, delay);
}

function reasonOf({ status, contentType, body }: Reply): string {
  // Of an OTLP error in protobuf, the status says enough.
  const isText = /^(text\/plain|application\/json)\b/.test(contentType);
  const text = isText
    ? body
        .toString("utf8")
        .replace(/[\s\p{Cc}]+/gu, " ")
        .trim()
    : "";
  return text === "" ? `HTTP ${status}` : `HTTP ${status}: ${text.slice(0, MAX_REASON_LENGTH)}`;
}
