import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN } from "../../opencode/rig/plugin-package.ts";
import type { PluginEntry } from "../../opencode/rig/project.ts";
import { type Installation, Stage } from "../../opencode/rig/stage.ts";
import { type Measurement, median } from "../report.ts";

const MEMORY_PLUGIN = new URL("memory-plugin.ts", import.meta.url).href;
const PROMPTS = ["ONE", "PLAIN", "TWO"];
/** Starts what is measured and is answered like any other. */
const LAST_PROMPT = "PLAIN, and how much memory is that?";

/** What the plugin adds to the memory of a server that has worked a little: so many servers of each kind. */
export async function measureMemory(
  installation: Installation,
  { folder, pairs }: { folder: string; pairs: number },
): Promise<Measurement[]> {
  const report = join(folder, "memory");
  const sampler: PluginEntry = [MEMORY_PLUGIN, { prompt: LAST_PROMPT, report }];
  for (let pair = 0; pair < pairs; pair++) {
    await workAWhile({ ...installation, plugins: [sampler] });
    await workAWhile({ ...installation, plugins: [sampler, PLUGIN] });
  }
  const megabytes = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((bytes) => Number(bytes) / 2 ** 20);
  const bare = median(megabytes.filter((_, index) => index % 2 === 0));
  const plugged = median(megabytes.filter((_, index) => index % 2 === 1));
  return [
    { name: "rssAddedMb", value: plugged - bare, unit: "MB", goal: 25 },
    { name: "bareRssMb", value: bare, unit: "MB" },
  ];
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
