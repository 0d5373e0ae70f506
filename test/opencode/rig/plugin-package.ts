import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { install } from "./opencode-binary.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** What a user writes into `opencode.json`. */
export const PLUGIN = "orchestra-otel";

/**
 * Builds and packs this checkout, and installs the tarball where OpenCode itself would put the package: it
 * looks into that place before it asks the registry.
 * @returns the folder that OpenCode has as `packages` in its cache
 */
export function installPlugin(folder: string): string {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  const packages = join(folder, "packages");
  const place = placeIn(packages);
  mkdirSync(place, { recursive: true });
  install(place, join(folder, tarball));
  return packages;
}

/** The URL of the installed plugin's entry, for plugins that wrap it. */
export function pluginEntry(packages: string): string {
  const { resolve } = createRequire(join(placeIn(packages), "package.json"));
  return pathToFileURL(resolve(`${PLUGIN}/server`)).href;
}

function placeIn(packages: string): string {
  return join(packages, `${PLUGIN}@latest`);
}
