"use strict";

// Puts the compiled OpenCode plugin into files of its own. OpenCode loads it while it starts, and should not have to
// look up hundreds of small modules; of zod and OpenTelemetry, only what is used comes along.

const fs = require("node:fs");
const path = require("node:path");
const esbuild = require("esbuild");

const root = path.resolve(__dirname, "..");

/** What only Bun has, what is too big for a process that serves nothing, and what the plugin never loads. */
const EXTERNAL = ["bun:*", "fastify", "@opentelemetry/sdk-node"];

/**
 * @param dist the compiled library
 * @param folder gets the plugin as `plugin.js`, and the licences of what is in it
 */
function bundlePlugin(dist, folder) {
  const { metafile } = esbuild.buildSync({
    absWorkingDir: root,
    entryPoints: { plugin: path.join(dist, "src/host/opencode.js") },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    // The forms of which parts can be left out.
    mainFields: ["module", "main"],
    external: EXTERNAL,
    metafile: true,
    logLevel: "warning",
  });
  fs.writeFileSync(path.join(folder, "LICENSES.txt"), licencesOf(Object.keys(metafile.inputs)));
}

/** @param files relative to the root */
function licencesOf(files) {
  const folders = new Set(files.flatMap((file) => file.match(/.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(fs.readFileSync(path.join(root, folder, "package.json"), "utf8"));
    const licence = fs.readdirSync(path.join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
    if (licence === undefined) throw new Error(`${name} has no licence to be handed on`);
    return `${name} ${version}\n\n${fs.readFileSync(path.join(root, folder, licence), "utf8").trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

module.exports = { bundlePlugin };
