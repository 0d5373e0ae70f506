import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { OrchestraError, reasonOf } from "../errors.ts";
import { type Command, UsageError } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { exec } from "./commands/exec.ts";
import { serve } from "./commands/serve.ts";
import { tail } from "./commands/tail.ts";
import type { CliContext } from "./context.ts";
import { plainText, write } from "./terminal.ts";

export const COMMANDS: readonly Command[] = [exec, serve, tail, doctor];

const USAGE_ERROR = 2;

/** Runs one command line, without the program's name in front. @returns the exit code */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    return await dispatch(argv, context);
  } catch (error) {
    // Whoever closed the pipe has seen enough.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 0;
    return await fail(error, context);
  }
}

async function dispatch([name, ...args]: readonly string[], context: CliContext): Promise<number> {
  if (name === "--version") {
    await write(context.stdout, `${version()}\n`);
    return 0;
  }
  if (name === "--help" || name === "help") {
    await write(context.stdout, overview());
    return 0;
  }
  if (name === undefined) throw new UsageError("Expected a command");
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw new UsageError(`Unknown command '${name}'`);
  return command.run(args, context);
}

async function fail(error: unknown, { stderr }: CliContext): Promise<number> {
  const isUsage = error instanceof UsageError;
  const isConfig = error instanceof OrchestraError && error.code === "INVALID_CONFIG";
  const message = plainText(reasonOf(error));
  const hint = isUsage ? "Try orchestra-otel --help, or --help after a command\n" : "";
  await write(stderr, `orchestra-otel: ${message}\n${hint}`).catch(() => {});
  return isUsage || isConfig ? USAGE_ERROR : 1;
}

function overview(): string {
  const commands = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(6)} ${summary}`);
  return [
    "Jobs as traces, log lines and a live feed",
    "",
    "Usage: orchestra-otel COMMAND [flags]",
    "",
    ...commands,
    "",
    "  --help     Print this help; after a command, that command's",
    "  --version  Print the version",
    "",
  ].join("\n");
}

function version(): string {
  const path = findPackageJSON("..", import.meta.url) as string;
  return JSON.parse(readFileSync(path, "utf8")).version;
}
