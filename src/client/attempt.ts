import type { Schedule } from "./schedule.ts";

export interface AttemptOptions {
  /** Ends the attempt from outside. */
  signal: AbortSignal;
  /** Milliseconds that a single wait may take. */
  silenceMs: number;
  schedule: Schedule;
}

/** One try to read from the bridge, which is given up when nothing comes. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #options: AttemptOptions;
  readonly #abort = () => this.#controller.abort();

  constructor(options: AttemptOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", this.#abort);
    if (options.signal.aborted) this.#abort();
  }

  /** For `fetch`: what is under way rejects when the attempt ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for what `signal` ends when it takes too long. Nothing is on the clock between two waits. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const { schedule, silenceMs } = this.#options;
    const cancel = schedule(() => {
      this.#controller.abort(new Error(`Nothing came for ${silenceMs} ms`));
    }, silenceMs);
    try {
      return await promise;
    } finally {
      cancel();
    }
  }

  end(): void {
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#abort();
  }
}
