/** Finds a Chromium for the browser tests, and installs one where there is none. */
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { chromium } from "playwright-core";
import { installPackage, type Machine, thisMachine } from "./machine.ts";

/** In one of the folders of `PATH`. */
const COMMANDS = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];
const APPLICATIONS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];
/** Where Playwright's installer puts it. */
const DOWNLOADED = chromium.executablePath();
const INSTALLER = join(dirname(createRequire(import.meta.url).resolve("playwright-core")), "cli.js");

/**
 * The file of a Chromium that runs: that of `CHROME_PATH`, one that is installed, one of the Debian
 * package (as root), or one that Playwright downloads.
 * @throws when there is none and none can be installed
 */
export function findChromium(machine: Machine = thisMachine): string {
  const { env, userId, run, say } = machine;
  // On some systems a command of this name only says how to install it.
  const firstOf = (files: readonly string[]) => files.find((file) => run(file, ["--version"]));
  if (env.CHROME_PATH) return env.CHROME_PATH;
  const folders = (env.PATH ?? "").split(delimiter);
  const commands = folders.flatMap((folder) => COMMANDS.map((command) => join(folder, command)));
  const found = firstOf([...commands, ...APPLICATIONS, DOWNLOADED]);
  if (found !== undefined) return found;
  say("Installing Chromium for the browser tests, this happens once …");
  if (installPackage("chromium", machine)) {
    const packaged = firstOf(commands);
    if (packaged !== undefined) return packaged;
  }
  const withLibraries = userId === 0 ? ["--with-deps"] : [];
  run(process.execPath, [INSTALLER, "install", "--no-shell", ...withLibraries, "chromium"]);
  const downloaded = firstOf([DOWNLOADED]);
  if (downloaded !== undefined) return downloaded;
  throw new Error("The browser tests need a Chromium: install one, or name one in CHROME_PATH");
}
