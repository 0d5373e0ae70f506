import { closeSync, lstatSync, openSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "../store/folder.ts";
import type { CliContext } from "./context.ts";
import { ExposedPathError, requirePrivate } from "./private-path.ts";

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** `$XDG_STATE_HOME/orchestra-otel`: https://specifications.freedesktop.org/basedir-spec/latest/ */
export function stateDirectory(env: CliContext["env"]): string {
  const base = env.XDG_STATE_HOME ?? "";
  // The specification has relative paths ignored.
  return join(isAbsolute(base) ? base : join(env.HOME || homedir(), ".local", "state"), "orchestra-otel");
}

/**
 * Makes the directory, for its owner only, as what lies there is private.
 * @throws ExposedPathError when there is one that others can open; what the file system throws
 */
export function openStateDirectory(env: CliContext["env"]): string {
  const directory = stateDirectory(env);
  makeFolder(directory);
  requirePrivate(directory, "directory");
  return directory;
}

/**
 * The file that log lines go to when none was asked for. Rotated to `jobs.log.1` when it is over 10 MB.
 * Undefined when it cannot be written, as a read-only home is no reason not to run a command.
 * @param onExposed told why it is not written where others could read or redirect it
 */
export function defaultLogFile(
  env: CliContext["env"],
  onExposed: (message: string) => void,
): string | undefined {
  try {
    const file = join(openStateDirectory(env), "jobs.log");
    if (isOverFull(file)) renameSync(file, `${file}.1`);
    closeSync(openSync(file, "a", 0o600));
    requirePrivate(file, "file");
    return file;
  } catch (error) {
    if (error instanceof ExposedPathError) onExposed(error.message);
    return undefined;
  }
}

/** @throws ExposedPathError before anything is renamed that is not a log of ours */
function isOverFull(file: string): boolean {
  return (
    lstatSync(file, { throwIfNoEntry: false }) !== undefined &&
    requirePrivate(file, "file").size > MAX_LOG_BYTES
  );
}
