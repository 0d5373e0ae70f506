import { once } from "node:events";
import { connect } from "node:net";
import { hostOfAddress, isLoopback, isWildcard } from "./bridge/host-name.ts";
import { parseCursor } from "./event/cursor.ts";
import type { EventLog } from "./event/event-log.ts";
import {
  expectedUrl,
  LateBridge,
  type LateBridgeOptions,
  type TelemetryBridge,
} from "./telemetry-bridge-late.ts";

export interface JoinOptions extends LateBridgeOptions {
  log: EventLog;
  /** Serves the port. @throws when it is taken */
  start: () => Promise<TelemetryBridge>;
  /** Told of what else keeps it from serving a port that is free. */
  onError: (error: unknown) => void;
  /** Milliseconds between two looks at the port. Default: 2,000. */
  intervalMs?: number | undefined;
}

/** How long whoever holds the port may take to answer, in milliseconds. */
const ANSWER_MS = 1_000;

/**
 * The bridge of another process that serves the same log at the same port, until that process is gone;
 * from then on one of our own. Undefined when nobody, or somebody else, holds the port.
 */
export async function joinBridge(options: JoinOptions): Promise<TelemetryBridge | undefined> {
  const { config, log } = options;
  if (!(await isHeld(config))) return undefined;
  // On loopback anybody may read, and whoever holds the port may be a stranger.
  const token = isLoopback(hostOfAddress(config.host)) ? undefined : config.token;
  const [theirs, { latest }] = await Promise.all([latestAt(expectedUrl(config), token), log.bounds()]);
  const isSame = theirs !== undefined && epochOf(theirs) === epochOf(latest);
  return isSame ? waitForPort(options) : undefined;
}

/** A bridge of our own as soon as the port is free, whoever holds it now. */
export function waitForPort(options: JoinOptions): TelemetryBridge {
  const { config, start, onError, intervalMs = 2_000 } = options;
  const bridge = new LateBridge(options);
  const takeOver = async () => {
    if (await isHeld(config)) return undefined;
    const own = await start();
    clearInterval(timer);
    return own;
  };
  const onFailure = async (error: unknown) => {
    // Of several that wait one gets it; the others go on waiting.
    if (!(await isHeld(config))) onError(error);
  };
  const timer = setInterval(() => {
    if (bridge.isClosed) clearInterval(timer);
    else void bridge.begin(takeOver, onFailure);
  }, intervalMs).unref();
  return bridge;
}

function epochOf(cursor: string): string | undefined {
  return parseCursor(cursor)?.epoch;
}

async function isHeld({ host, port }: JoinOptions["config"]): Promise<boolean> {
  const socket = connect({ host: isWildcard(hostOfAddress(host)) ? "127.0.0.1" : host, port });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The last place of the log that is served there; undefined when that cannot be told. */
async function latestAt(url: string, token: string | undefined): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/v1/status`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { log } = (await response.json()) as { log?: { latest?: unknown } };
    return typeof log?.latest === "string" ? log.latest : undefined;
  } catch {
    return undefined;
  }
}
