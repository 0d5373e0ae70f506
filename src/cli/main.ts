#!/usr/bin/env node
import { versionProblem } from "../node-version.ts";
import type { StopSignal } from "./context.ts";

const { argv, env, stdin, stdout, stderr, versions } = process;
const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

// A reader that went away is told to whoever writes; unheard, it would end the process.
for (const stream of [stdout, stderr]) stream.on("error", () => {});

const problem = versionProblem(versions.node);
if (problem !== undefined) {
  stderr.write(`${problem}\n`);
  process.exit(1);
}
// Only now: of what it imports, an older Node may not have all.
const { runCli } = await import("./run.ts");

const exitCode = await runCli(argv.slice(2), {
  env,
  cwd: process.cwd(),
  stdin: "inherit",
  stdout,
  stderr,
  isInteractive: stdin.isTTY === true,
  onSignal: (handler) => {
    for (const signal of SIGNALS) process.on(signal, handler);
    return () => {
      for (const signal of SIGNALS) process.off(signal, handler);
    };
  },
  now: Date.now,
});
// At once: a connection that is still open is no reason to stay.
process.exit(exitCode);
