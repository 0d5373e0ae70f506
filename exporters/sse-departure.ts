/** Milliseconds between two groups that leave, at most. */
const STEP_MS = 10;

export interface SseDepartureOptions<T> {
  /** Milliseconds from the first to the last. */
  spreadMs: number;
  /** Milliseconds of any clock that only goes forward. */
  now: () => number;
  dismiss: (leaving: T) => void;
}

/**
 * Lets them leave one after the other, as evenly as the clock allows; who should have left while the event
 * loop was busy leaves with the next group. Returns a function that lets the rest stay.
 */
export function departEvenly<T>(all: readonly T[], options: SseDepartureOptions<T>): () => void {
  const { spreadMs, now, dismiss } = options;
  const begun = now();
  let left = 0;
  const timer = setInterval(
    () => {
      const due = Math.min(1, (now() - begun) / spreadMs) * all.length;
      for (; left < due; left++) dismiss(all[left] as T);
      if (left >= all.length) clearInterval(timer);
    },
    Math.min(STEP_MS, spreadMs / 4),
  ).unref();
  return () => clearInterval(timer);
}
