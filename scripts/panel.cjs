"use strict";

// node scripts/panel.cjs — builds the control panel of a checkout into .cache/panel, if its sources have
// changed since that was built, for the bridge to serve.

const childProcess = require("node:child_process");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");
const built = path.join(root, ".cache", "panel");
/** Everything that the panel is made of, or by. */
const SOURCES = ["src/panel", "src/client", "src/event", "src/job", "src/fifo-map.ts", "vite.config.ts"];
/** The versions of what it loads, and of what builds it. */
const LOCK_FILE = "package-lock.json";

/** Builds into `folder`, which is emptied. */
function buildPanel(folder) {
  const vite = path.join(root, "node_modules/vite/bin/vite.js");
  const args = [vite, "build", "--outDir", folder, "--emptyOutDir"];
  // Who starts this may have the whole of stdout for something else.
  childProcess.execFileSync(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
}

function buildPanelIfChanged() {
  const hash = hashOfSources();
  const noteIn = (folder) => path.join(folder, "sources");
  if (fs.existsSync(noteIn(built)) && fs.readFileSync(noteIn(built), "utf8") === hash) return;
  // Others may build at the same time, or serve what was built before: it is replaced in one step.
  const own = `${built}-${process.pid}`;
  const old = `${own}-old`;
  try {
    buildPanel(own);
    fs.writeFileSync(noteIn(own), hash);
    if (fs.existsSync(built)) fs.renameSync(built, old);
    fs.renameSync(own, built);
  } catch (error) {
    // Another one came first.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
  } finally {
    for (const folder of [own, old]) fs.rmSync(folder, { recursive: true, force: true });
  }
}

function hashOfSources() {
  const hash = crypto.createHash("sha256");
  for (const file of [...SOURCES.flatMap(filesBelow), LOCK_FILE]) {
    hash
      .update(`${file}\0`)
      .update(fs.readFileSync(path.join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(place) {
  if (!fs.statSync(path.join(root, place)).isDirectory()) return [place];
  const names = fs.readdirSync(path.join(root, place)).sort();
  return names.flatMap((name) => filesBelow(`${place}/${name}`));
}

module.exports = { buildPanel };

if (require.main === module) {
  try {
    buildPanelIfChanged();
  } catch (error) {
    process.exit(error.status || 1);
  }
}
