/** Writes to a file how much memory the process holds when a prompt asks for it, garbage aside and settled. */
import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { MemoryReading } from "./memory-reading.ts";

interface Options {
  /** The first words of the prompt that asks. */
  prompt: string;
  /** Takes one reading as a line of JSON each time. */
  report: string;
}

declare const Bun: { gc(isSync: boolean): void };

/** Only Bun has it, and no types are installed. */
const JSC: string = "bun:jsc";
type HeapStats = () => { heapSize: number; heapCapacity: number };

/** What is freed goes back to the system a little later, and a feed may still be about to be served. */
const ROUNDS = 20;
const SETTLE_MS = 200;

async function server(_input: unknown, { prompt, report }: Options): Promise<object> {
  const { heapStats } = (await import(JSC)) as { heapStats: HeapStats };
  return {
    "chat.message": async (_asked: unknown, { parts }: { parts: { text?: string }[] }) => {
      if (parts[0]?.text !== prompt) return;
      const readings: MemoryReading[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        Bun.gc(true);
        await wait(SETTLE_MS);
        const { heapSize, heapCapacity } = heapStats();
        readings.push({ rss: process.memoryUsage.rss(), heapUsed: heapSize, heapTotal: heapCapacity });
      }
      const [least] = readings.slice(ROUNDS / 2).sort((a, b) => a.rss - b.rss);
      appendFileSync(report, `${JSON.stringify(least)}\n`);
    },
  };
}

// biome-ignore lint/style/noDefaultExport: OpenCode loads plugins by it.
export default { id: "memory", server };
