import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { opencodeBinary } from "../../opencode/rig/opencode-binary.ts";
import { installPlugin } from "../../opencode/rig/plugin-package.ts";
import type { Measurement } from "../report.ts";
import { measureMemory } from "./memory.ts";
import { measureRuns } from "./runs.ts";
import { measureScenarios } from "./scenarios.ts";

/**
 * What the plugin costs the real OpenCode, and what is wrong with the stories that it tells. Quick: fewer
 * runs, and the scenarios of `opencode run` alone.
 */
export async function benchOpencode({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-plugin-"));
  try {
    const installation = { binary: opencodeBinary(), packages: installPlugin(folder) };
    return [
      ...(await measureRuns(installation, quick ? 3 : 10)),
      ...(await measureMemory(installation, { folder, pairs: quick ? 2 : 6 })),
      ...(await measureScenarios(folder, ...(quick ? ["run.test"] : []))),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
