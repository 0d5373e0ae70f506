export interface SsePaceOptions {
  /** Sends all that waits; its cost decides how long the next one may be put off. */
  flush: () => void;
  /** Milliseconds that a flush is put off at most; 0: never. */
  maxDelayMs: number;
  /** Milliseconds of any clock that only goes forward. */
  now: () => number;
}

/** Milliseconds of rest for each that a flush took, so that flushing takes a ninth of the time at most. */
const REST_PER_COST = 8;
/** Timers are no finer, and resting for less is not worth one. */
const LEAST_REST_MS = 1;

/**
 * Says when frames leave. While flushes are cheap or rare, that is at the end of the tick that asks. Under
 * load each is followed by a rest, in which frames gather: fewer, larger writes cost far less.
 */
export class SsePace {
  readonly #options: SsePaceOptions;
  #state: "idle" | "tick" | "resting" = "idle";
  #timer: NodeJS.Timeout | undefined;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SsePaceOptions) {
    this.#options = options;
  }

  /** Has `flush` called once, however often it is asked until then. */
  request(): void {
    if (this.#state !== "idle") return;
    const rest = this.#restUntil - this.#options.now();
    if (rest < LEAST_REST_MS) {
      this.hurry();
    } else {
      this.#state = "resting";
      this.#timer = setTimeout(() => this.run(), rest).unref();
    }
  }

  /** As `request`, but without a rest: enough has gathered. */
  hurry(): void {
    if (this.#state === "tick") return;
    this.#state = "tick";
    queueMicrotask(() => {
      if (this.#state === "tick") this.run();
    });
  }

  /** Flushes now. */
  run(): void {
    const { flush, now, maxDelayMs } = this.#options;
    clearTimeout(this.#timer);
    this.#state = "idle";
    const begun = now();
    flush();
    const ended = now();
    this.#restUntil = Math.max(
      this.#restUntil,
      ended + Math.min(maxDelayMs, (ended - begun) * REST_PER_COST),
    );
  }
}
