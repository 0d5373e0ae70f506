import { reachableUrl } from "./bridge/host-name.ts";
import { OrchestraError } from "./errors.ts";
import { type Holder, type HolderOptions, holderOf, isHeld } from "./telemetry-bridge-holder.ts";
import { LateBridge, type LateBridgeOptions, type TelemetryBridge } from "./telemetry-bridge-late.ts";
import { HolderWatch } from "./telemetry-bridge-watch.ts";

export interface JoinOptions extends LateBridgeOptions, HolderOptions {
  /** Serves a port; 0 is any. @throws when it is taken */
  start: (port: number) => Promise<TelemetryBridge>;
  /** Loads what `start` needs, while that is still what this process was started with. */
  load?: (() => Promise<unknown>) | undefined;
  /** Told where the feed is when one of ours is found to serve it. */
  onJoined?: ((url: string) => void) | undefined;
  /** Told of whoever does not show who it is, of a stranger who has come, and of what keeps it from serving. */
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
 * from then on one of our own. Undefined when somebody else holds the port. Whoever does not show
 * which may be either, and is asked again until it does.
 */
export async function joinHolder(options: JoinOptions): Promise<TelemetryBridge | undefined> {
  const holder = await holderOf(options);
  if (holder.is === "stranger") return undefined;
  if (holder.is === "unknown") tellOfWait(`${placeOf(options)} is held by a program ${holder.why}`, options);
  else options.onJoined?.(reachableUrl(options.config));
  return waitForPort(options, holder);
}

/**
 * A bridge of our own as soon as the port is free, or its holder turns out to be a stranger, or gives way to one,
 * beside whom any port will do.
 */
export function waitForPort(options: JoinOptions, first: Holder = { is: "ours" }): TelemetryBridge {
  const { load, onError, intervalMs = INTERVAL_MS } = options;
  const bridge = new LateBridge(options);
  const watch = new HolderWatch(first);
  const takeOver = async (signal: AbortSignal) => {
    // By the time the port is free, the package may have been replaced by another version.
    await load?.();
    const own = await serveAtLook({ ...options, signal }, watch);
    if (own !== undefined) clearInterval(timer);
    return own;
  };
  const onFailure = (error: unknown) => {
    // Of several that wait one gets it; the others go on waiting.
    if (isPortTaken(error)) watch.doubt();
    else onError(error);
  };
  const timer = setInterval(() => {
    if (bridge.isClosed) clearInterval(timer);
    else void bridge.begin(takeOver, onFailure);
  }, intervalMs).unref();
  return bridge;
}

/** Undefined as long as the port is waited for. @throws what keeps it from being served */
async function serveAtLook(options: JoinOptions, watch: HolderWatch): Promise<TelemetryBridge | undefined> {
  const { config, start, onError, onJoined } = options;
  if (!(await isHeld(options))) return start(config.port);
  const before = watch.holder.is;
  const { is } = await watch.look(options);
  const reason = `${placeOf(options)} is held by another program`;
  if (is === "stranger" && config.portIsDefault) {
    const own = await start(0);
    onError(new OrchestraError("UNAVAILABLE", `${reason}; the feed is at ${own.url}`, { path: "port" }));
    return own;
  }
  if (is !== before && is === "ours") onJoined?.(reachableUrl(config));
  if (is !== before && is === "stranger") tellOfWait(reason, options);
  return undefined;
}

/** The place that is waited for, as it stands in a message. */
export function placeOf({ config: { host, port } }: Pick<JoinOptions, "config">): string {
  return `\`${host}:${port}\``;
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
