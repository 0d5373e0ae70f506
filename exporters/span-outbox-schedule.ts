/** Calls back once after a time, in milliseconds; what it returns calls that off. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

/** A timer that does not hold a process which has nothing else to do. */
export const scheduleUnheld: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs).unref();
  return () => clearTimeout(timer);
};
