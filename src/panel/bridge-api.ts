import type { JobEvent } from "../event/event.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { ServerClock } from "./live/server-clock.ts";
import { announceSignIn } from "./sign-ins.ts";
import { encoded } from "./text/trace-link.ts";

export interface JobPageAnswer {
  job: JobSnapshot;
  events: JobEvent[];
  next?: string | undefined;
}

/** The bridge answered with an error. */
export class BridgeError extends Error {
  override readonly name = "BridgeError";
  readonly status: number;
  /** Such as `UNKNOWN_JOB`; empty when something else has answered. */
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** How long an answer may take, all of it: who waits is then told that there is none. */
const ANSWER_LIMIT_MS = 20_000;

export const serverClock = new ServerClock(Date.now);

/** What the panel asks of its own server besides the feed. All throw BridgeError, and what `fetch` throws. */
export const bridge = {
  job(jobId: string, after?: string): Promise<JobPageAnswer> {
    const query = after === undefined ? "" : `?${new URLSearchParams({ after })}`;
    return ask(`/v1/jobs/${encoded(jobId)}${query}`) as Promise<JobPageAnswer>;
  },
  /** The newest jobs. */
  async jobs(limit: number): Promise<JobSnapshot[]> {
    return ((await ask(`/v1/jobs?limit=${limit}`)) as { jobs: JobSnapshot[] }).jobs;
  },
  status(): Promise<unknown> {
    return ask("/v1/status");
  },
  async cancel(jobId: string, reason: string): Promise<void> {
    await ask(`/v1/jobs/${encoded(jobId)}/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(reason === "" ? {} : { reason }),
    });
  },
  /** The browser keeps the cookie that this gives; the token is not kept. */
  async signIn(token: string): Promise<void> {
    await ask("/v1/session", { method: "POST", headers: { authorization: `Bearer ${token}` } });
    announceSignIn();
  },
};

async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  const askedAt = Date.now();
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const response = await fetch(path, { ...init, cache: "no-store", signal });
  serverClock.learn({ date: response.headers.get("date"), askedAt, answeredAt: Date.now() });
  const text = await response.text();
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  throw errorOf(response.status, text);
}

function errorOf(status: number, text: string): BridgeError {
  try {
    const { code, message } = JSON.parse(text).error;
    return new BridgeError(String(message), status, String(code));
  } catch {
    return new BridgeError(`The server answered with ${status}`, status, "");
  }
}
