import type { JobSnapshot } from "../../event/job-snapshot.ts";

/** Jobs that ended in one minute. */
export interface Minute {
  /** Its beginning, in milliseconds since the epoch. */
  at: number;
  succeeded: number;
  failed: number;
  canceled: number;
}

export interface HourTotals {
  ended: number;
  failed: number;
  /** Of those that ended; undefined when none has. */
  failureRate: number | undefined;
}

export const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Counts how the jobs of the last hour ended, minute by minute. */
export class HourTally {
  readonly #minutes = new Map<number, Minute>();
  readonly #now: () => number;

  /** `now` tells the server's time, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  reset(jobs: readonly JobSnapshot[]): void {
    this.#minutes.clear();
    for (const job of jobs) this.add(job);
  }

  /** A job that has not ended is not counted. */
  add({ status, finishedAt }: JobSnapshot): void {
    if (status === "queued" || status === "running" || finishedAt === undefined) return;
    const at = minuteOf(finishedAt);
    const minute = this.#minutes.get(at) ?? { at, succeeded: 0, failed: 0, canceled: 0 };
    minute[status]++;
    this.#minutes.set(at, minute);
    if (this.#minutes.size > 2 * MINUTES) this.#forget();
  }

  /** The hour that ends with the minute of `now`, oldest first, minutes without an end included. */
  lastHour(now: number): Minute[] {
    const last = minuteOf(now);
    return Array.from({ length: MINUTES }, (_, index) => {
      const at = last - (MINUTES - 1 - index) * MINUTE_MS;
      return this.#minutes.get(at) ?? { at, succeeded: 0, failed: 0, canceled: 0 };
    });
  }

  /** Also what is to come: one worker whose clock is ahead must not take the place of the others. */
  #forget(): void {
    const last = minuteOf(this.#now());
    for (const at of this.#minutes.keys()) {
      if (at <= last - MINUTES * MINUTE_MS || at > last + MINUTE_MS) this.#minutes.delete(at);
    }
  }
}

export function totalsOf(minutes: readonly Minute[]): HourTotals {
  let ended = 0;
  let failed = 0;
  for (const minute of minutes) {
    ended += minute.succeeded + minute.failed + minute.canceled;
    failed += minute.failed;
  }
  return { ended, failed, failureRate: ended === 0 ? undefined : failed / ended };
}

function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}
