/** How often something may be done. */
export interface Allowance {
  /** Times in a row. */
  burst: number;
  /** Times a second, from then on. */
  perSecond: number;
}

/** https://en.wikipedia.org/wiki/Token_bucket, with the time given by the caller, in milliseconds. */
export class TokenBucket {
  readonly #allowance: Allowance;
  #left: number;
  #asOf: number;

  constructor(allowance: Allowance, now: number) {
    this.#allowance = allowance;
    this.#left = allowance.burst;
    this.#asOf = now;
  }

  /** Takes one if there is one. */
  take(now: number): boolean {
    if (this.waitMs(now) > 0) return false;
    this.#left--;
    return true;
  }

  /** Milliseconds until there is one: 0 when there is. */
  waitMs(now: number): number {
    const { burst, perSecond } = this.#allowance;
    // A clock that was set back gives nothing, and takes nothing away.
    const elapsed = Math.max(0, now - this.#asOf);
    this.#left = Math.min(burst, this.#left + (elapsed * perSecond) / 1_000);
    this.#asOf = now;
    return this.#left >= 1 ? 0 : Math.ceil(((1 - this.#left) * 1_000) / perSecond);
  }
}
