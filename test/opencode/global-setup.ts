import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { opencodeBinary } from "./rig/opencode-binary.ts";
import { installPlugin } from "./rig/plugin-package.ts";
import type { Installation } from "./rig/stage.ts";

declare module "vitest" {
  interface ProvidedContext {
    opencode: Installation;
  }
}

/** Runs once before all tests of the project: fetches OpenCode, builds, packs and installs the plugin. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-plugin-"));
  project.provide("opencode", { binary: opencodeBinary(), packages: installPlugin(folder) });
  return () => rmSync(folder, { recursive: true, force: true });
}
