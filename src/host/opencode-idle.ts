export interface IdleOptions {
  /** Milliseconds between two looks. Default: 50. */
  intervalMs?: number | undefined;
  /** Looks in a row that must find the thread idle. Default: 3. */
  looks?: number | undefined;
  /** How much later than it should a look at an idle thread comes, in milliseconds. Default: 10. */
  toleranceMs?: number | undefined;
  /** How long it is waited for at most, in milliseconds. Default: 3,000. */
  maxMs?: number | undefined;
  /** Milliseconds from any beginning. Default: `performance.now`. */
  now?: (() => number) | undefined;
  /** Default: timers that do not hold the process. */
  schedule?: ((callback: () => void, delayMs: number) => void) | undefined;
}

/** Resolves once the thread has had nothing else to do for a while. */
export function whenIdle(options: IdleOptions = {}): Promise<void> {
  const { intervalMs = 50, looks = 3, toleranceMs = 10, maxMs = 3_000 } = options;
  const { now = () => performance.now(), schedule = scheduleUnheld } = options;
  return new Promise((resolve) => {
    const start = now();
    let calm = 0;
    const look = () => {
      const begun = now();
      schedule(() => {
        const isCalm = now() - begun <= intervalMs + toleranceMs;
        calm = isCalm ? calm + 1 : 0;
        if (calm >= looks || now() - start >= maxMs) resolve();
        else look();
      }, intervalMs);
    };
    look();
  });
}

function scheduleUnheld(callback: () => void, delayMs: number): void {
  setTimeout(callback, delayMs).unref();
}
