export interface WatchedClock {
  /** By the clock that people set, in milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds since some time, by one that nobody can set. */
  steady: () => number;
}

/** Differences of less are left to the next answer of the server, in milliseconds. */
const TOLERANCE_MS = 1_000;

/**
 * Returns what tells whether the clock was set, or one of them stood still while the machine slept, since it
 * told so last.
 */
export function watchClock({ now, steady }: WatchedClock): () => boolean {
  let apartMs = now() - steady();
  return () => {
    const nowApartMs = now() - steady();
    if (Math.abs(nowApartMs - apartMs) < TOLERANCE_MS) return false;
    apartMs = nowApartMs;
    return true;
  };
}
