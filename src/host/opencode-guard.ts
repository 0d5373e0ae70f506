/** Told of the first fault of each place; the others are only counted. */
export type OnFault = (where: string, error: unknown) => void;

/**
 * Stands between OpenCode and everything of ours that it calls: a fault of ours is counted, and OpenCode
 * goes on as if we were not there. One that reached it could hang the run.
 */
export class Guard {
  readonly #onFault: OnFault;
  readonly #faults = new Map<string, number>();

  constructor(onFault: OnFault) {
    this.#onFault = onFault;
  }

  /** Faults by the place where they happened. */
  get faults(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#faults);
  }

  /** Undefined when `action` throws. */
  run<T>(where: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#note(where, error);
      return undefined;
    }
  }

  /** The same for what takes its time; never rejects. */
  async runLong<T>(where: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      this.#note(where, error);
      return undefined;
    }
  }

  /** A hook that neither fails nor keeps anybody waiting. */
  hook<A extends unknown[]>(where: string, action: (...args: A) => void): (...args: A) => Promise<void> {
    return async (...args) => {
      this.run(where, () => action(...args));
    };
  }

  #note(where: string, error: unknown): void {
    const count = (this.#faults.get(where) ?? 0) + 1;
    this.#faults.set(where, count);
    if (count > 1) return;
    try {
      this.#onFault(where, error);
    } catch {
      // Whoever is told may fail as well.
    }
  }
}
