export interface EventBatchOptions<T> {
  /** Gets what has come since the last time. */
  take: (items: readonly T[]) => void;
  /** Calls back when it is time to take. */
  schedule: (callback: () => void) => void;
  /** Items that may wait. Default: 1,000. */
  max?: number | undefined;
}

/** Collects what comes until the page is about to be drawn: however much it is, it is drawn once. */
export class EventBatch<T> {
  readonly #take: (items: readonly T[]) => void;
  readonly #schedule: (callback: () => void) => void;
  readonly #max: number;
  #items: T[] = [];
  #taken: Promise<void> | undefined;
  #resolve = () => {};

  constructor({ take, schedule, max = 1_000 }: EventBatchOptions<T>) {
    this.#take = take;
    this.#schedule = schedule;
    this.#max = max;
  }

  /** With a promise it asks for a rest until there is room again. */
  add(item: T): Promise<void> | undefined {
    this.#items.push(item);
    if (this.#taken === undefined) {
      this.#taken = new Promise((resolve) => {
        this.#resolve = resolve;
      });
      this.#schedule(() => this.flush());
    }
    return this.#items.length >= this.#max ? this.#taken : undefined;
  }

  /** Takes what there is at once. */
  flush(): void {
    if (this.#taken === undefined) return;
    const items = this.#items;
    this.#items = [];
    this.#taken = undefined;
    try {
      this.#take(items);
    } finally {
      this.#resolve();
    }
  }
}
