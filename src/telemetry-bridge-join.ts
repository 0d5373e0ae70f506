import { OrchestraError } from "./errors.ts";
import { type Holder, type HolderOptions, holderOf, isHeld } from "./telemetry-bridge-holder.ts";
import { LateBridge, type LateBridgeOptions, type TelemetryBridge } from "./telemetry-bridge-late.ts";

export interface JoinOptions extends LateBridgeOptions, HolderOptions {
  /** Serves a port; 0 is any. @throws when it is taken */
  start: (port: number) => Promise<TelemetryBridge>;
  /** Told of whoever does not answer, and of what else keeps it from serving a port that is free. */
  onError: (error: unknown) => void;
  /** Milliseconds between two looks at the port. Default: 2,000. */
  intervalMs?: number | undefined;
}

/** Undefined when nobody holds the port, else as `joinHolder`. */
export async function joinBridge(options: JoinOptions): Promise<TelemetryBridge | undefined> {
  return (await isHeld(options)) ? joinHolder(options) : undefined;
}

/**
 * The bridge of another process that serves the same log at the same port, until that process is gone;
 * from then on one of our own. Undefined when somebody else holds the port. Whoever does not answer may be
 * either, and is asked again until it does.
 */
export async function joinHolder(options: JoinOptions): Promise<TelemetryBridge | undefined> {
  const holder = await holderOf(options);
  if (holder === "stranger") return undefined;
  if (holder === "unknown") {
    const { host, port } = options.config;
    tellOfWait(`\`${host}:${port}\` is held by a program that does not answer`, options);
  }
  return waitForPort(options, holder);
}

/**
 * A bridge of our own as soon as the port is free, or its holder, unknown so far, turns out to be a stranger
 * beside whom any port will do.
 */
export function waitForPort(options: JoinOptions, first: Holder = "ours"): TelemetryBridge {
  const { config, start, onError, intervalMs = INTERVAL_MS } = options;
  const bridge = new LateBridge(options);
  let holder = first;
  const portToServe = async (asking: JoinOptions): Promise<number | undefined> => {
    if (!(await isHeld(asking))) return config.port;
    if (holder === "unknown") holder = await holderOf(asking);
    return holder === "stranger" && config.portIsDefault ? 0 : undefined;
  };
  const takeOver = async (signal: AbortSignal) => {
    const port = await portToServe({ ...options, signal });
    if (port === undefined) return undefined;
    const own = await start(port);
    clearInterval(timer);
    return own;
  };
  const onFailure = (error: unknown) => {
    // Of several that wait one gets it; the others go on waiting.
    if (!isPortTaken(error)) onError(error);
  };
  const timer = setInterval(() => {
    if (bridge.isClosed) clearInterval(timer);
    else void bridge.begin(takeOver, onFailure);
  }, intervalMs).unref();
  return bridge;
}

/** Says why the port is not served, and that this is not the end of it. */
export function tellOfWait(reason: string, { onError, intervalMs = INTERVAL_MS }: JoinOptions): void {
  const next = `it is looked at every ${intervalMs / 1_000} seconds, and the feed is served there once it is free`;
  onError(new OrchestraError("UNAVAILABLE", `${reason}; ${next}`, { path: "port" }));
}

export function isPortTaken(error: unknown): boolean {
  return error instanceof OrchestraError && (error.cause as NodeJS.ErrnoException)?.code === "EADDRINUSE";
}

const INTERVAL_MS = 2_000;
