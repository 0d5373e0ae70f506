import { readFileSync } from "node:fs";
import { PLUGIN } from "../../opencode/rig/plugin-package.ts";
import { type Installation, Stage } from "../../opencode/rig/stage.ts";
import { type Measurement, median } from "../report.ts";

const PROMPTS = ["ONE", "PLAIN", "TWO"];

/** What the plugin adds to the memory of a server that has worked a little: so many servers of each kind. */
export async function measureMemory(installation: Installation, pairs: number): Promise<Measurement[]> {
  const [bare, plugged]: number[][] = [[], []];
  for (let pair = 0; pair < pairs; pair++) {
    bare?.push(await residentMb({ ...installation, plugins: [] }));
    plugged?.push(await residentMb({ ...installation, plugins: [PLUGIN] }));
  }
  const [without, withPlugin] = [median(bare ?? []), median(plugged ?? [])];
  return [
    { name: "rssAddedMb", value: withPlugin - without, unit: "MB", goal: 25 },
    { name: "bareRssMb", value: without, unit: "MB" },
  ];
}

async function residentMb(options: Parameters<typeof Stage.open>[0]): Promise<number> {
  const stage = await Stage.open(options);
  try {
    const server = await stage.serve();
    const sessionId = await server.createSession();
    for (const prompt of PROMPTS) await server.prompt(sessionId, prompt);
    const [, kilobytes] =
      /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.process.pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) / 1_024;
  } finally {
    await stage.close();
  }
}
