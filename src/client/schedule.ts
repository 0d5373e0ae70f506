/** Calls `callback` after `delayMs` milliseconds, unless the returned function is called before. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

/** Keeps a process alive meanwhile: what waits for events is there to go on. */
export const byTimeout: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};

/** Resolves after so long, or when the signal is aborted. */
export function pause(delayMs: number, signal: AbortSignal, schedule: Schedule): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = schedule(end, delayMs);
    signal.addEventListener("abort", end);
  });
}
