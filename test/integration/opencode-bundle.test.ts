import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../fixtures/sqlite-logs.ts";

const require = createRequire(import.meta.url);
const { bundlePlugin } = require("../../scripts/plugin.cjs") as {
  bundlePlugin: (dist: string, folder: string) => void;
};
const BUN = join(dirname(require.resolve("bun/package.json")), "bin/bun.exe");

/** Builds a plugin of these files, its entry being `opencode.js`; returns where it is. */
function bundle(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  const sources = join(folder, "dist/src/host");
  mkdirSync(sources, { recursive: true });
  for (const [name, code] of Object.entries(files)) writeFileSync(join(sources, name), code);
  const built = join(folder, "built");
  bundlePlugin(join(folder, "dist"), built);
  return built;
}

describe("the plugin's files", () => {
  const built = () =>
    bundle({
      "opencode.js": `/*! Größe © */ // für später\nconsole.log("née", (await import("./later.js")).default);\n`,
      "later.js": "export default 'Hauptstraße – 7'.slice(5) + `…`;\n",
    });

  it("are taken by Bun as they are, without a copy in memory of what it would make of them", () => {
    const folder = built();
    const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect(readFileSync(join(folder, file), "utf8")).toMatch(/^\/\/ @bun\n/);
  });

  it("say under Bun what they said, although it then takes each byte for a character", () => {
    const said = execFileSync(BUN, ["plugin.js"], { cwd: built(), encoding: "utf8" });
    expect(said).toBe("née straße – 7…\n");
  });

  it("are not built of what would be something else in ASCII", () => {
    for (const code of ["console.log(String.raw`née`)", "console.log(/née/)"]) {
      expect(() => bundle({ "opencode.js": code }), code).toThrow(/plugin\.js is to be ASCII/);
    }
  });
});
