import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN } from "../../opencode/rig/plugin-package.ts";
import type { PluginEntry } from "../../opencode/rig/project.ts";
import { type Installation, Stage } from "../../opencode/rig/stage.ts";
import { type Measurement, median } from "../report.ts";
import { heapMb, type MemoryReading, rssMb, usedMb } from "./memory-reading.ts";

const MEMORY_PLUGIN = new URL("memory-plugin.ts", import.meta.url).href;
const PROMPTS = ["ONE", "PLAIN", "TWO"];
/** Starts what is measured and is answered like any other. */
const LAST_PROMPT = "PLAIN, and how much memory is that?";

interface Pair {
  bare: MemoryReading;
  plugged: MemoryReading;
}

/**
 * What the plugin adds to the memory of a server that has worked a little: so many servers of each kind, by turns.
 * The goal is for the RSS, of which servers without the plugin have far from the same; so what is in use, without the
 * free room in the heap, is told beside it.
 */
export async function measureMemory(
  installation: Installation,
  { folder, pairs: count }: { folder: string; pairs: number },
): Promise<Measurement[]> {
  const report = join(folder, "memory");
  const sampler: PluginEntry = [MEMORY_PLUGIN, { prompt: LAST_PROMPT, report }];
  const pairs: Pair[] = [];
  for (let index = 0; index < count; index++) {
    await workAWhile({ ...installation, plugins: [sampler] });
    await workAWhile({ ...installation, plugins: [sampler, PLUGIN] });
    const [bare, plugged] = lastReadings(report) as [MemoryReading, MemoryReading];
    pairs.push({ bare, plugged });
  }
  const [rss, used] = [added(pairs, rssMb), added(pairs, usedMb)];
  const bare = pairs.map((pair) => pair.bare);
  return [
    { name: "rssAddedMb", value: median(rss), unit: "MB", goal: 25 },
    { name: "rssAddedSpreadMb", value: spread(rss), unit: "MB" },
    { name: "bareRssMb", value: median(bare.map(rssMb)), unit: "MB" },
    { name: "bareRssSpreadMb", value: spread(bare.map(rssMb)), unit: "MB" },
    { name: "usedAddedMb", value: median(used), unit: "MB" },
    { name: "usedAddedSpreadMb", value: spread(used), unit: "MB" },
    { name: "bareUsedMb", value: median(bare.map(usedMb)), unit: "MB" },
    { name: "heapAddedMb", value: median(added(pairs, heapMb)), unit: "MB" },
  ];
}

function added(pairs: readonly Pair[], megabytes: (reading: MemoryReading) => number): number[] {
  return pairs.map(({ bare, plugged }) => megabytes(plugged) - megabytes(bare));
}

/** From the least to the most. */
function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function lastReadings(report: string): MemoryReading[] {
  const lines = readFileSync(report, "utf8").trim().split("\n");
  return lines.slice(-2).map((line) => JSON.parse(line) as MemoryReading);
}

async function workAWhile(options: Parameters<typeof Stage.open>[0]): Promise<void> {
  const stage = await Stage.open(options);
  try {
    const server = await stage.serve();
    const sessionId = await server.createSession();
    for (const prompt of [...PROMPTS, LAST_PROMPT]) await server.prompt(sessionId, prompt);
  } finally {
    await stage.close();
  }
}
