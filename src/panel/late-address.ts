export interface LateAddressOptions {
  /** Puts the address into the browser's line. */
  write: (address: string) => void;
  /** Calls back after so many milliseconds. */
  schedule: (callback: () => void, delayMs: number) => void;
}

/** Browsers refuse more than a hundred changes in half a minute; dragging makes as many in a second. */
const PAUSE_MS = 350;

/** Writes the first of several changes of the address at once, and the last of them after a pause. */
export class LateAddress {
  readonly #options: LateAddressOptions;
  #next: string | undefined;
  #isPausing = false;

  constructor(options: LateAddressOptions) {
    this.#options = options;
  }

  set(address: string): void {
    this.#next = address;
    if (!this.#isPausing) this.flush();
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#next === undefined) return;
    this.#options.write(this.#next);
    this.#next = undefined;
    if (this.#isPausing) return;
    this.#isPausing = true;
    this.#options.schedule(() => {
      this.#isPausing = false;
      this.flush();
    }, PAUSE_MS);
  }

  /** What waits is not written: the address has become another. */
  drop(): void {
    this.#next = undefined;
  }
}
