import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { DEFAULT_BRIDGE_PORT } from "../config-bridge.ts";
import { UsageError } from "./command.ts";
import type { CliContext } from "./context.ts";
import { requirePrivate } from "./private-path.ts";
import { identityOf } from "./processes.ts";
import { openStateDirectory, stateDirectory } from "./state-directory.ts";

const bridgeFile = z.object({
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().optional(),
  pid: z.int().positive(),
  /** Tells the process from a later one with its id; not known on every platform. */
  process: z.string().optional(),
});

/** What a running `serve` leaves for `exec` and `tail` to find it by. */
export type BridgeFile = z.infer<typeof bridgeFile>;

export interface BridgeTarget {
  /** Without a slash at its end. */
  url: string;
  token: string | undefined;
  /** Given by a flag or variable, so a failure is worth telling; found by file, it may be ending. */
  isExplicit: boolean;
}

/**
 * Undefined when there is no file, when it makes no sense, when others could have written it, or when the
 * process that did is gone: the port may be anybody's by then, and must not be sent secrets.
 */
export function readBridgeFile(env: CliContext["env"]): BridgeFile | undefined {
  try {
    const directory = stateDirectory(env);
    const path = pathOf(directory);
    requirePrivate(directory, "directory");
    requirePrivate(path, "file");
    const bridge = bridgeFile.parse(JSON.parse(readFileSync(path, "utf8")));
    // Throws when there is no such process, and when it is another user's.
    process.kill(bridge.pid, 0);
    return identityOf(bridge.pid) === bridge.process ? bridge : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells of a bridge in this process, readable by its owner only, and whole at any moment.
 * @returns takes the file away again, unless another bridge has put its own there since
 * @throws ExposedPathError, what the file system throws
 */
export function writeBridgeFile(
  env: CliContext["env"],
  { url, token }: Pick<BridgeFile, "url" | "token">,
): () => void {
  const { pid } = process;
  const bridge: BridgeFile = { url, token, pid, process: identityOf(pid) };
  const path = pathOf(openStateDirectory(env));
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, `${JSON.stringify(bridge)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return () => {
    const current = readBridgeFile(env);
    if (current?.pid === pid && current.url === url) rmSync(path, { force: true });
  };
}

/**
 * The bridge to talk to: flags, else `ORCHESTRA_URL` and `ORCHESTRA_TOKEN`, else the file of a running
 * `serve`. The file's token goes to the file's bridge only.
 * @param urlName what the user calls `flags.url`
 * @throws UsageError when a URL is none
 */
export function findBridge(
  flags: { url?: string | undefined; token?: string | undefined },
  env: CliContext["env"],
  urlName = "Option '--url'",
): BridgeTarget | undefined {
  const given = flags.url ?? (env.ORCHESTRA_URL || undefined);
  const token = flags.token ?? (env.ORCHESTRA_TOKEN || undefined);
  const found = readBridgeFile(env);
  if (given === undefined) {
    return found && { url: trimmed(found.url), token: token ?? found.token, isExplicit: false };
  }
  if (!z.url({ protocol: /^https?$/ }).safeParse(given).success) {
    const source = flags.url === undefined ? "Variable ORCHESTRA_URL" : urlName;
    throw new UsageError(`${source} takes an http:// or https:// URL, got '${given}'`);
  }
  const url = trimmed(given);
  const isFound = found !== undefined && trimmed(found.url) === url;
  return { url, token: token ?? (isFound ? found.token : undefined), isExplicit: true };
}

/** Where `startTelemetry` listens unless it is told otherwise. */
export function defaultBridge({
  ORCHESTRA_BRIDGE_PORT,
  ORCHESTRA_BRIDGE_TLS_CERT,
}: CliContext["env"]): Pick<BridgeTarget, "url" | "token"> {
  const scheme = ORCHESTRA_BRIDGE_TLS_CERT ? "https" : "http";
  return { url: `${scheme}://127.0.0.1:${ORCHESTRA_BRIDGE_PORT || DEFAULT_BRIDGE_PORT}`, token: undefined };
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function pathOf(directory: string): string {
  return join(directory, "bridge.json");
}
