"use strict";

// Compiles the library into an empty dist/, bundles the OpenCode plugin into dist/hosts/opencode/, and builds
// the control panel into dist/panel/.

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { buildPanel } = require("./panel.cjs");
const { bundlePlugin } = require("./plugin.cjs");

const root = path.resolve(__dirname, "..");
const dist = path.join(root, "dist");

fs.rmSync(dist, { recursive: true, force: true });
try {
  execFileSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  bundlePlugin(dist, path.join(dist, "hosts/opencode"));
  buildPanel(path.join(dist, "panel"));
} catch (error) {
  // A program that failed has said so itself.
  if (error.status === undefined) process.stderr.write(`${error.message}\n`);
  process.exit(error.status || 1);
}
// npm makes it executable where it installs the package; this is for running it from here.
fs.chmodSync(path.join(dist, "src/cli/main.js"), 0o755);
