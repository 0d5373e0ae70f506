import type { JobProgressed } from "../src/lifecycle/job-tracer.ts";

/** What a progress update adds to its job's facts. */
export type ProgressUpdate = Pick<
  JobProgressed,
  "message" | "percent" | "current" | "total" | "unit" | "stage" | "updatedAt"
>;

/**
 * Keeps at most `limit` of a job's progress updates, evenly thinned: every `stride`th from the first,
 * and always the last. When they no longer fit, every second one goes and the stride doubles; so what
 * is kept depends on nothing but how many there were.
 */
export class ProgressFold {
  readonly #limit: number;
  #kept: ProgressUpdate[] = [];
  #stride = 1;
  #count = 0;

  /** @param limit at least 2, for the first and the last */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Updates so far, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** In the order in which they came. */
  get kept(): readonly ProgressUpdate[] {
    return this.#kept;
  }

  add(update: ProgressUpdate): void {
    const previous = this.#count++ - 1;
    const previousWasKeptAsLast = previous % this.#stride !== 0;
    if (previousWasKeptAsLast) this.#kept.pop();
    if (this.#kept.length === this.#limit) {
      this.#kept = this.#kept.filter((_, position) => position % 2 === 0);
      this.#stride *= 2;
    }
    this.#kept.push(update);
  }
}
