/** What the date of an answer leaves open anyway, and differences that nobody minds, in milliseconds. */
const SECOND = 1_000;
const TOLERANCE_MS = 1_000;

export interface Answer {
  /** As `Date` has it; null when it was not told. */
  date: string | null;
  /** By the browser's clock, in milliseconds since the epoch. */
  askedAt: number;
  answeredAt: number;
}

/**
 * The time where the server runs: how long jobs have been running does not depend on the clock of who looks
 * at them. A clock that is about right is taken as it is.
 */
export class ServerClock {
  readonly #now: () => number;
  #aheadMs = 0;

  /** `now` tells the browser's time, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now() + this.#aheadMs;

  /** Learns from an answer of the server. The slower it was, the less it can say against what is known. */
  learn({ date, askedAt, answeredAt }: Answer): void {
    const at = Date.parse(date ?? "");
    // The clock may have been set back meanwhile.
    if (Number.isNaN(at) || answeredAt < askedAt) return;
    // It was some time within that second, and between the question and the answer.
    const [least, most] = [at - answeredAt, at + SECOND - askedAt];
    const isRight = (aheadMs: number) => least - TOLERANCE_MS <= aheadMs && aheadMs <= most + TOLERANCE_MS;
    this.#aheadMs = [this.#aheadMs, 0].find(isRight) ?? Math.round((least + most) / 2);
  }
}
