import type { OpenCodeFact } from "./opencode-facts.ts";
import type { Guard } from "./opencode-guard.ts";
import type { OpenCodeJobs } from "./opencode-jobs.ts";

/** Facts kept until the telemetry is up. */
export const MAX_WAITING = 10_000;

/** One directory that OpenCode works in: what it tells of, before and after the telemetry is up. */
export class Instance {
  readonly #guard: Guard;
  readonly #waiting: OpenCodeFact[] = [];
  #dropped = 0;
  #jobs: OpenCodeJobs | undefined;
  #isClosed = false;

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Facts that came when too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Never throws. */
  take(fact: OpenCodeFact | undefined): void {
    if (fact === undefined || this.#isClosed) return;
    if (this.#jobs !== undefined) this.#apply(this.#jobs, fact);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(fact);
    else this.#dropped++;
  }

  /** The telemetry is up; what waited is told first. */
  open(jobs: OpenCodeJobs): void {
    for (const fact of this.#waiting.splice(0)) this.#apply(jobs, fact);
    this.#jobs = jobs;
  }

  chatTraceparent(sessionId: string): string | undefined {
    return this.#jobs?.chatTraceparent(sessionId);
  }

  toolTraceparent(sessionId: string, callId: string): string | undefined {
    return this.#jobs?.toolTraceparent(sessionId, callId);
  }

  /** Cancels what has not ended. Idempotent. */
  close(reason: string, at: number): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#guard.run("close", () => this.#jobs?.close(reason, at));
  }

  #apply(jobs: OpenCodeJobs, fact: OpenCodeFact): void {
    this.#guard.run(fact.kind, () => jobs.apply(fact));
  }
}
