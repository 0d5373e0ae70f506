/** Writes to a file how much memory the process holds when a prompt asks for it, garbage aside and settled. */
import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

interface Options {
  /** The first words of the prompt that asks. */
  prompt: string;
  /** Takes one line of bytes each time. */
  report: string;
}

declare const Bun: { gc(isSync: boolean): void };

/** What is freed goes back to the system a little later, and a feed may still be about to be served. */
const ROUNDS = 20;
const SETTLE_MS = 200;

async function server(_input: unknown, { prompt, report }: Options): Promise<object> {
  return {
    "chat.message": async (_asked: unknown, { parts }: { parts: { text?: string }[] }) => {
      if (parts[0]?.text !== prompt) return;
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < ROUNDS; round++) {
        Bun.gc(true);
        await wait(SETTLE_MS);
        if (round >= ROUNDS / 2) least = Math.min(least, process.memoryUsage.rss());
      }
      appendFileSync(report, `${least}\n`);
    },
  };
}

// biome-ignore lint/style/noDefaultExport: OpenCode loads plugins by it.
export default { id: "memory", server };
