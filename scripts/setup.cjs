"use strict";

// Makes a fresh checkout runnable, whatever Node is on the PATH: installs what package-lock.json pins,
// the pinned Node among it, when node_modules does not hold it yet. ES2017 and no dependencies, as it
// runs before there are any.

const childProcess = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");
const modules = path.join(root, "node_modules");
const bin = path.join(modules, ".bin");
const lockFile = path.join(root, ".cache", "setup.lock");
/** Held for a moment by the one that may remove a lock whose holder is gone. */
const breakerFile = `${lockFile}.breaker`;
const onWindows = process.platform === "win32";
const pinnedNode = path.join(modules, "node", "bin", onWindows ? "node.exe" : "node");

/** An installation takes a minute or two; a lock of this age belongs to a process id that was reused. */
const LOCK_EXPIRES_MS = 15 * 60 * 1000;

function setup() {
  if (isInstalled()) return;
  withLock(() => {
    // Whoever held the lock before us has probably done it.
    if (!isInstalled()) install();
  });
}

/** npm writes its own lock file into node_modules as the last step of an installation. */
function isInstalled() {
  const held = packagesOf(path.join(modules, ".package-lock.json"));
  if (held === undefined || !fs.existsSync(pinnedNode)) return false;
  const wanted = packagesOf(path.join(root, "package-lock.json")) || {};
  return Object.keys(wanted).every((location) => {
    // Optional packages are those of other platforms.
    if (location === "" || (held[location] === undefined && wanted[location].optional)) return true;
    return held[location] !== undefined && held[location].version === wanted[location].version;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages;
  } catch (_error) {
    return undefined;
  }
}

function install() {
  process.stderr.write("Installing dependencies, this happens once …\n");
  // Installing replaces node_modules, so nothing may run from there meanwhile.
  const outside = process.env.PATH.split(path.delimiter).filter((dir) => !dir.includes("node_modules"));
  const env = Object.assign({}, process.env, { PATH: outside.join(path.delimiter) });
  const run = (command, args, cwd) => {
    const options = { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], shell: onWindows };
    const { status, error, stdout, stderr } = childProcess.spawnSync(command, args, options);
    if (status === 0) return;
    throw new Error(`\`${command} ${args.join(" ")}\` failed\n${error ? error.message : stdout + stderr}`);
  };
  // Not `npm ci`: it refuses a lock file that was written where a registry lacks other platforms' packages.
  run("npm", ["install", "--no-save", "--include=dev", "--loglevel=error"], root);
  // Where npm was told to run no scripts, the one that fetches the pinned Node is still needed.
  if (!fs.existsSync(pinnedNode)) run("node", ["installArchSpecificPackage"], path.join(modules, "node"));
}

/** One installation at a time; the second to come waits for the first. */
function withLock(action) {
  fs.mkdirSync(path.dirname(lockFile), { recursive: true });
  while (!tryLock(lockFile)) {
    breakStaleLock();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    action();
  } finally {
    fs.rmSync(lockFile, { force: true });
  }
}

function tryLock(file) {
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, String(process.pid));
  try {
    // A link appears with its content, so nobody ever reads a lock without a process id.
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/**
 * One at a time: between the look at a stale lock and its removal, another would have removed it and
 * taken the next lock, which would go instead.
 */
function breakStaleLock() {
  if (!isStale(lockFile)) return;
  if (!tryLock(breakerFile)) {
    // Left behind only by a process that was killed in the middle of the few lines below.
    if (isStale(breakerFile)) fs.rmSync(breakerFile, { force: true });
    return;
  }
  try {
    if (isStale(lockFile)) fs.rmSync(lockFile, { force: true });
  } finally {
    fs.rmSync(breakerFile, { force: true });
  }
}

function isStale(file) {
  try {
    const holder = Number(fs.readFileSync(file, "utf8"));
    const age = Date.now() - fs.statSync(file).mtimeMs;
    return !isAlive(holder) || age > LOCK_EXPIRES_MS;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Says what went wrong in words instead of a stack, and ends the process. */
function setupOrExit() {
  try {
    setup();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

module.exports = { bin, setupOrExit };

if (require.main === module) setupOrExit();
