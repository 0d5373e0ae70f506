import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version that the recorded facts are of. */
const VERSION = "1.18.33";
const PACKAGE = `opencode-${process.platform}-${process.arch}`;

/** What is fetched for these tests and kept from one run to the next. */
const CACHE = fileURLToPath(new URL("../../../.cache/opencode", import.meta.url));

/**
 * The file of OpenCode's executable, fetched when it is not there yet.
 * @throws when the registry cannot be reached, or has none for this system
 */
export function opencodeBinary(): string {
  const home = join(CACHE, `${PACKAGE}-${VERSION}`);
  if (!existsSync(home)) fetchInto(home);
  return join(home, "node_modules", PACKAGE, "bin/opencode");
}

/** Of two that fetch at once, the second finds the place taken, and what it takes is as whole as its own. */
function fetchInto(home: string): void {
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, "draft-"));
  try {
    process.stderr.write(`Fetching ${PACKAGE} ${VERSION} for the tests, this happens once …\n`);
    install(draft, `${PACKAGE}@${VERSION}`);
    renameSync(draft, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Installs packages into a folder without running any script of theirs; the registry is asked only for
 * what earlier runs have not left in the cache.
 * @throws with npm's own words
 */
export function install(folder: string, ...packages: string[]): void {
  const flags = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--fetch-retries=1",
    "--loglevel=error",
  ];
  const places = ["--prefix", folder, "--cache", join(CACHE, "npm")];
  try {
    execFileSync("npm", ["install", ...flags, ...places, ...packages], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`Cannot install ${packages.join(", ")}; is the npm registry in reach?\n${stderr}`);
  }
}
