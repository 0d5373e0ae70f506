/**
 * Waits for `work`, but no longer than `deadlineMs` milliseconds, and not for its success.
 * @returns whether it succeeded in time
 */
export async function withinDeadline(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  // Not unref'ed: whoever waits must get an answer, even when nothing else keeps the process.
  const timer = setTimeout(resolve, Math.max(0, deadlineMs), false);
  const done = work.then(
    () => true,
    () => false,
  );
  const inTime = await Promise.race([done, late]);
  clearTimeout(timer);
  return inTime;
}
