import { setTimeout as delay } from "node:timers/promises";
import { createMemoryEventLog, type EventLog } from "../../src/index.ts";

const MOST_MS = 20;

/** In memory, but what it is asked for comes late: more may have been published meanwhile. */
export function createSlowLog(): EventLog {
  const log = createMemoryEventLog();
  return {
    append: (batch) => log.append(batch),
    bounds: () => log.bounds(),
    flush: () => log.flush(),
    close: () => log.close(),
    read: async (options) => {
      const page = await log.read(options);
      await delay(Math.random() * MOST_MS);
      return page;
    },
  };
}
