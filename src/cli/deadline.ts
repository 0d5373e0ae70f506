import { setTimeout as delay } from "node:timers/promises";

/** Resolves when `work` has settled, or after `deadlineMs`, whichever comes first. */
export async function withDeadline(work: Promise<unknown> | undefined, deadlineMs: number): Promise<void> {
  const settled = new AbortController();
  const timeout = delay(deadlineMs, undefined, { signal: settled.signal }).catch(() => {});
  await Promise.race([Promise.allSettled([work]), timeout]);
  settled.abort();
}
