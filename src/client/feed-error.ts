/** Statuses of the 4xx range that say "later" instead of "no". */
const TRANSIENT: readonly number[] = [408, 425, 429];

interface FeedErrorFacts {
  status: number;
  code: string;
  retryAfterMs?: number | undefined;
}

/** A bridge, or a proxy before it, answered with an error. */
export class FeedError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The bridge's code, such as `UNAUTHORIZED`; `HTTP_<status>` when something else has answered. */
  readonly code: string;

  /** What the answer asks for by `Retry-After`, in milliseconds; 0 when it does not. */
  readonly retryAfterMs: number;

  constructor(message: string, { status, code, retryAfterMs = 0 }: FeedErrorFacts) {
    super(message);
    this.name = "FeedError";
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether asking again in the same way would not help. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && !TRANSIENT.includes(this.status);
  }
}

/** What a response that is not `ok` says. Its body is read to the end. */
export async function refusalOf(response: Response): Promise<FeedError> {
  const { status, headers } = response;
  // It may be a date as well, which is left to our own pauses.
  const retryAfterMs = 1_000 * Number(headers.get("retry-after")) || 0;
  const body = await response.text().catch(() => "");
  try {
    const { code, message } = JSON.parse(body).error;
    return new FeedError(`${status} ${code}: ${message}`, { status, code, retryAfterMs });
  } catch {
    const facts = { status, code: `HTTP_${status}`, retryAfterMs };
    return new FeedError(`${status} ${response.statusText}`.trim(), facts);
  }
}
