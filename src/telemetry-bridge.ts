import { readFileSync } from "node:fs";
import type { SseHub } from "../exporters/sse.ts";
import type { JobContent } from "./bridge/bridge.ts";
import { hostOfAddress, isLoopback } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";
import type { BridgeTls } from "./config-bridge.ts";
import { OrchestraError, reasonOf } from "./errors.ts";
import type { OrchestratorEvent } from "./event/event.ts";
import type { OutcomeHandler } from "./event/event-outcome.ts";
import type { JobTable } from "./event/job-table.ts";
import type { EventPublisher } from "./event/publisher.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";
import type { Content } from "./lifecycle/content.ts";
import {
  isPortTaken,
  type JoinOptions,
  joinBridge,
  joinHolder,
  placeOf,
  tellOfWait,
  waitForPort,
} from "./telemetry-bridge-join.ts";
import { LateBridge, type TelemetryBridge } from "./telemetry-bridge-late.ts";

export interface TelemetryBridgeParts {
  hub: SseHub;
  jobs: JobTable;
  publisher: EventPublisher;
  registry: WorkerJobRegistry;
  content: Content;
  status: () => object;
  cancelJob: (jobId: string, reason: string | undefined) => void;
  onError: (error: unknown) => void;
}

/** The source of events from outside that do not name theirs. */
const POSTED = "posted";

/** When a bridge is to be started that nobody waits for. */
export interface LateStart extends Pick<JoinOptions, "intervalMs"> {
  after: Promise<unknown>;
  /** Told where the feed is, each time that this process, or another of its data file, is found to serve it. */
  onServing?: ((url: string) => void) | undefined;
}

/** How whoever holds the port is asked, and who is told where the feed is. */
type Asking = Pick<JoinOptions, "patienceMs" | "intervalMs" | "signal"> & Pick<LateStart, "onServing">;

/** How long whoever holds the port may take to answer when nobody waits for us, in milliseconds. */
const LATE_PATIENCE_MS = 5_000;

/**
 * `startTelemetryBridge`, later and without being waited for: what it throws goes to `onError`, and where the port
 * is waited for, that is not the end of it.
 */
export function startTelemetryBridgeLate(
  config: NonNullable<Config["bridge"]>,
  parts: TelemetryBridgeParts,
  { after, ...asking }: LateStart,
): TelemetryBridge {
  const bridge = new LateBridge({ config, hub: parts.hub });
  const start = async (signal: AbortSignal) => {
    const joining = joinOptions(config, parts, { ...asking, patienceMs: LATE_PATIENCE_MS, signal });
    try {
      return await serveOrJoin(joining);
    } catch (error) {
      signal.throwIfAborted();
      if (!config.join || isConfigFault(error)) throw error;
      const why = `cannot be served (${reasonOf(error)})`;
      tellOfWait(`${placeOf(joining)} ${why}`, joining);
      return waitForPort(joining, { is: "unknown", why });
    }
  };
  void after.then(() => bridge.begin(start, parts.onError), parts.onError);
  return bridge;
}

function isConfigFault(error: unknown): boolean {
  return error instanceof OrchestraError && error.code === "INVALID_CONFIG";
}

/** Starts the bridge of one telemetry, or waits for its port. @throws INVALID_CONFIG, UNAVAILABLE */
export async function startTelemetryBridge(
  config: NonNullable<Config["bridge"]>,
  parts: TelemetryBridgeParts,
  asking: Asking = {},
): Promise<TelemetryBridge> {
  return serveOrJoin(joinOptions(config, parts, asking));
}

async function serveOrJoin(joining: JoinOptions): Promise<TelemetryBridge> {
  const { config, start } = joining;
  try {
    return (config.join && (await joinBridge(joining))) || (await start(config.port));
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    // Another process may have come first in between, or be too busy to be connected to.
    const other = config.join && (await joinHolder(joining));
    if (other) return other;
    // Somebody else's 4319 is no reason not to start; a port that was asked for is.
    if (config.portIsDefault) return start(0);
    if (!config.join) throw error;
    tellOfWait(reasonOf(error), joining);
    return waitForPort(joining, { is: "stranger" });
  }
}

/** Only a bridge that is wanted costs loading an HTTP framework. */
const loadBridge = () => import("./bridge/bridge.ts");

/** @throws INVALID_CONFIG */
function joinOptions(
  config: NonNullable<Config["bridge"]>,
  parts: TelemetryBridgeParts,
  { onServing, ...asking }: Asking,
): JoinOptions {
  const { publisher, registry, content, ...rest } = parts;
  const { portIsDefault, join, ...address } = config;
  // Off loopback it must have been chosen: a token that nobody was told of would only look like a lock.
  const token = config.token ?? (isLoopback(hostOfAddress(config.host)) ? randomToken() : undefined);
  const options = {
    ...rest,
    ...address,
    tls: address.tls && readTls(address.tls),
    token,
    // Whoever is watched lives for as long as he has reason to, and not because he is watched.
    holdsProcess: false,
    log: publisher.log,
    // Without a source it would pass for an event of ours, and its job for one that ends with this process.
    publish: (event: OrchestratorEvent, settled: OutcomeHandler) =>
      publisher.publish({ source: POSTED, ...event }, settled),
    ownsJob: (jobId: string) => registry.get(jobId) !== undefined,
    content: (jobId: string) => contentOf(registry, jobId, content),
  };
  const { hub, onError } = parts;
  const tell = (url: string) => {
    try {
      onServing?.(url);
    } catch (error) {
      onError(error);
    }
  };
  const start = async (port: number): Promise<TelemetryBridge> => {
    const { startBridge } = await loadBridge();
    const own = await startBridge({ ...options, port });
    tell(own.url);
    return Object.assign(own, { token });
  };
  return { ...asking, config, log: publisher.log, hub, start, load: loadBridge, onJoined: tell, onError };
}

/** In full, as who asks has the token; what is to be redacted is nobody's business all the same. */
function contentOf(registry: WorkerJobRegistry, jobId: string, content: Content): JobContent | undefined {
  const job = registry.get(jobId);
  if (job === undefined) return undefined;
  const { message, responseText } = job;
  const response = responseText === undefined ? undefined : content.full(responseText, "response");
  return { message: content.full(message, "message"), response };
}

/** @throws INVALID_CONFIG for a file that cannot be read */
function readTls({ cert, key }: BridgeTls): BridgeTls {
  return { cert: readPem("cert", cert), key: readPem("key", key) };
}

function readPem(name: keyof BridgeTls, textOrFile: string): string {
  if (textOrFile.includes("-----BEGIN ")) return textOrFile;
  try {
    return readFileSync(textOrFile, "utf8");
  } catch (cause) {
    // Not the name of the file: it may be a secret that somebody took for PEM.
    const { code } = cause as NodeJS.ErrnoException;
    const message = `Option \`bridge.tls.${name}\`: expected PEM, or the name of a file to read (${code})`;
    throw new OrchestraError("INVALID_CONFIG", message, { path: `bridge.tls.${name}` });
  }
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}
