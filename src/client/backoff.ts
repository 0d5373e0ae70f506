/** First and longest pause of our own, in milliseconds. */
const MIN_MS = 500;
const MAX_MS = 30_000;
/** The longest that a server may ask for. */
const MAX_ASKED_MS = 60_000;

/** How long to wait before the next try: longer each time, never sooner than the server asked for. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #askedMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What a server asked for lasts until it answers again. */
  answered(): void {
    this.#askedMs = 0;
  }

  /** Not by an answer alone: a server that answers and fails would be asked several times a second. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The server's `retry`. */
  asked(ms: number): void {
    this.#askedMs = Math.min(MAX_ASKED_MS, ms);
  }

  next(): number {
    const own = Math.min(MAX_MS, MIN_MS * 2 ** this.#failures++);
    return Math.round(Math.max(this.#askedMs, own * (0.5 + this.#random() / 2)));
  }
}
