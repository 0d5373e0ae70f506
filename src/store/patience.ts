import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "./storage-error.ts";

const RETRY_MS = 20;

/**
 * Tries again for as long as others keep the file locked, until a time of `performance.now`. SQLite would
 * wait on the thread, and for some locks not at all. @throws what the last attempt threw
 */
export async function patiently<T>(deadline: number, attempt: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await delay(RETRY_MS);
  }
}
