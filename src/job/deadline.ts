/** The longest delay a timer can hold, 24.8 days: Node fires at once, and warns, for a longer one. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Calls `onExpiry` after `timeoutMs` unless the returned function is called before; never when it is
 * undefined or beyond 24.8 days. Does not keep the process alive.
 */
export function startDeadline(timeoutMs: number | undefined, onExpiry: () => void): () => void {
  if (timeoutMs === undefined || timeoutMs > MAX_DELAY_MS) return () => {};
  const timer = setTimeout(onExpiry, timeoutMs);
  timer.unref();
  return () => clearTimeout(timer);
}
