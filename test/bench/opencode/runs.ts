import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plainEnding } from "../../opencode/rig/plain-output.ts";
import { pluginEntry } from "../../opencode/rig/plugin-package.ts";
import { type Installation, Stage } from "../../opencode/rig/stage.ts";
import { type Measurement, median } from "../report.ts";

const TIMED_PLUGIN = new URL("timed-plugin.ts", import.meta.url).href;

interface Pair {
  wallMs: { with: number; without: number };
  /** By how much the output is longer or shorter with the plugin. */
  bytes: number;
}

/** What `opencode run` costs more with the plugin: so many runs of each kind, by turns. */
export async function measureRuns(installation: Installation, pairs: number): Promise<Measurement[]> {
  const bare = await Stage.open({ ...installation, plugins: [] });
  const report = join(bare.project.directory, "load-times");
  const entry = pluginEntry(installation.packages);
  const timed = await Stage.open({ ...installation, plugins: [[TIMED_PLUGIN, { entry, report }]] });
  try {
    // The first run of a home also makes it.
    await Promise.all([bare.run("PLAIN").ended, timed.run("PLAIN").ended]);
    const measured: Pair[] = [];
    for (let pair = 0; pair < pairs; pair++) measured.push(await runPair({ bare, timed }, pair % 2 === 0));
    const loads = readFileSync(report, "utf8").trim().split("\n").map(Number);
    return [
      { name: "wallRatio", value: median(ratios(measured)), unit: "ratio", goal: 1.05 },
      { name: "wallMs", value: median(measured.map(({ wallMs }) => wallMs.with)), unit: "ms" },
      { name: "bareWallMs", value: median(measured.map(({ wallMs }) => wallMs.without)), unit: "ms" },
      { name: "loadMs", value: median(loads), unit: "ms", goal: 150 },
      {
        name: "outputBytes",
        value: measured.reduce((sum, { bytes }) => sum + bytes, 0),
        unit: "bytes",
        goal: 0,
      },
    ];
  } finally {
    await Promise.all([bare.close(), timed.close()]);
  }
}

function ratios(pairs: readonly Pair[]): number[] {
  return pairs.map(({ wallMs }) => wallMs.with / wallMs.without);
}

/** Who comes second finds the files of the first in memory, so they take turns. */
async function runPair({ bare, timed }: { bare: Stage; timed: Stage }, isBareFirst: boolean): Promise<Pair> {
  const run = async (stage: Stage) => {
    const begin = performance.now();
    const ending = await stage.run("PLAIN").ended;
    return { wallMs: performance.now() - begin, output: JSON.stringify(plainEnding(ending)).length };
  };
  const first = await run(isBareFirst ? bare : timed);
  const second = await run(isBareFirst ? timed : bare);
  const [without, plugged] = isBareFirst ? [first, second] : [second, first];
  return {
    wallMs: { with: plugged.wallMs, without: without.wallMs },
    bytes: Math.abs(plugged.output - without.output),
  };
}
