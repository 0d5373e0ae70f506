"use strict";

// node scripts/with-node.cjs COMMAND ARGS… — runs a command under the pinned Node and with the tools of
// node_modules, which are installed first when they are missing.

const childProcess = require("node:child_process");
const path = require("node:path");
const { bin, setupOrExit } = require("./setup.cjs");

setupOrExit();

// The shell that started us looked for `node` before there was a pinned one.
process.env.PATH = `${bin}${path.delimiter}${process.env.PATH}`;

const [command, ...args] = process.argv.slice(2);
const child = childProcess.spawn(command, args, { stdio: "inherit", shell: process.platform === "win32" });

// On a terminal Ctrl-C reaches the whole foreground group, the child included: passing it on would make
// it two, and the second one often means "at once".
const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
  });
}

child.on("error", (error) => {
  process.stderr.write(`Cannot run ${command}: ${error.message}\n`);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
