import { requireCount } from "./span-limit.ts";

/** No receiver can make us wait longer than this. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

export interface BackoffOptions {
  /** Longest wait after the first failure; it doubles with each one that follows. Default: 1,000. */
  baseMs?: number | undefined;
  /** Longest wait, but for what a receiver asks for. Default: 30,000. */
  maxMs?: number | undefined;
}

export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;

  /** @throws INVALID_ARGUMENT for times that are no whole milliseconds from 1 */
  constructor({ baseMs = 1_000, maxMs = 30_000 }: BackoffOptions, random: () => number) {
    this.#baseMs = requireCount("backoff.baseMs", baseMs, 1);
    this.#maxMs = requireCount("backoff.maxMs", maxMs, 1);
    this.#random = random;
  }

  /**
   * How long to wait after so many failures in a row: at random between half and all of what has doubled
   * with each, so that those whom one outage has stopped do not come back all at once.
   */
  delayAfter(
    failures: number,
    { retryAfterMs = 0, isSlow }: { retryAfterMs?: number | undefined; isSlow: boolean },
  ): number {
    const random = this.#random();
    const longest = isSlow ? this.#maxMs : Math.min(this.#maxMs, this.#baseMs * 2 ** (failures - 1));
    const asked = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
    return Math.round(Math.max((longest * (1 + random)) / 2, asked * (1 + random / 10)));
  }
}
