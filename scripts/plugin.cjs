"use strict";

// Puts the compiled OpenCode plugin into files of its own. OpenCode loads it while it starts, and should not have to
// look up hundreds of small modules; of zod and OpenTelemetry, only what is used comes along.

const fs = require("node:fs");
const path = require("node:path");
const esbuild = require("esbuild");

const root = path.resolve(__dirname, "..");

/** What only Bun has, what is too big for a process that serves nothing, and what the plugin never loads. */
const EXTERNAL = ["bun:*", "fastify", "@opentelemetry/sdk-node"];

/** Bun runs what begins so as it stands; for the rest of the process it would keep the memory for rewriting it. */
const AS_IT_STANDS = "// @bun";

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
    banner: { js: AS_IT_STANDS },
    metafile: true,
    logLevel: "warning",
  });
  for (const file of Object.keys(metafile.outputs)) requireAscii(file);
  fs.writeFileSync(path.join(folder, "LICENSES.txt"), licencesOf(Object.keys(metafile.inputs)));
}

/** Of a file that stands as it is, Bun takes each byte for a character. What that makes of comments is of no concern. */
function requireAscii(file) {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  const { code } = esbuild.transformSync(text, { minifyWhitespace: true, legalComments: "none" });
  const [stranger] = code.match(/.{0,20}[^\0-\x7f]+/) ?? [];
  if (stranger === undefined) return;
  throw new Error(`${file} is to be ASCII, which takes escapes in expressions and raw texts: ${stranger}`);
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
