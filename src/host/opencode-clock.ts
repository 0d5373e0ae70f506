/** Lets a registry see the time at which something happened, though it hears of it later. */
export class EventClock {
  readonly #now: () => number;
  #at: number | undefined;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Milliseconds since the epoch; bound, so that it can be handed over as an option. */
  readonly now = (): number => this.#at ?? this.#now();

  /** Runs `action` as if it were `timestampMs`. */
  at<T>(timestampMs: number, action: () => T): T {
    const outer = this.#at;
    this.#at = timestampMs;
    try {
      return action();
    } finally {
      this.#at = outer;
    }
  }
}
