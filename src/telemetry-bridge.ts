import type { SseHub } from "../exporters/sse.ts";
import type { Bridge, JobContent } from "./bridge/bridge.ts";
import { hostOfAddress, isLoopback } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";
import { OrchestraError } from "./errors.ts";
import type { JobTable } from "./event/job-table.ts";
import type { EventPublisher } from "./event/publisher.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";
import type { Content } from "./lifecycle/content.ts";

export interface TelemetryBridgeParts {
  hub: SseHub;
  jobs: JobTable;
  publisher: EventPublisher;
  registry: WorkerJobRegistry;
  content: Content;
  status: () => object;
  onError: (error: unknown) => void;
}

export interface TelemetryBridge extends Bridge {
  /** Given by configuration, or made for this process. */
  readonly token: string | undefined;
}

/** Starts the bridge of one telemetry. @throws INVALID_CONFIG, UNAVAILABLE */
export async function startTelemetryBridge(
  config: NonNullable<Config["bridge"]>,
  parts: TelemetryBridgeParts,
): Promise<TelemetryBridge> {
  // Only a bridge that is wanted costs loading an HTTP framework.
  const { startBridge } = await import("./bridge/bridge.ts");
  const { publisher, registry, content, ...rest } = parts;
  const { portIsDefault, ...address } = config;
  // Off loopback it must have been chosen: a token that nobody was told of would only look like a lock.
  const token = config.token ?? (isLoopback(hostOfAddress(config.host)) ? randomToken() : undefined);
  const options = {
    ...rest,
    ...address,
    token,
    // Whoever is watched lives for as long as he has reason to, and not because he is watched.
    holdsProcess: false,
    log: publisher.log,
    publish: publisher.publish.bind(publisher),
    ownsJob: (jobId: string) => registry.get(jobId) !== undefined,
    cancelJob: (jobId: string, reason: string | undefined) => registry.cancel(jobId, { reason }),
    content: (jobId: string) => contentOf(registry, jobId, content),
  };
  try {
    return Object.assign(await startBridge(options), { token });
  } catch (error) {
    // Somebody else's 4319 is no reason not to start; a port that was asked for is.
    if (!portIsDefault || !isPortTaken(error)) throw error;
    return Object.assign(await startBridge({ ...options, port: 0 }), { token });
  }
}

/** In full, as who asks has the token; what is to be redacted is nobody's business all the same. */
function contentOf(registry: WorkerJobRegistry, jobId: string, content: Content): JobContent | undefined {
  const job = registry.get(jobId);
  if (job === undefined) return undefined;
  const { message, responseText } = job;
  const response = responseText === undefined ? undefined : content.full(responseText, "response");
  return { message: content.full(message, "message"), response };
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

function isPortTaken(error: unknown): boolean {
  return error instanceof OrchestraError && (error.cause as NodeJS.ErrnoException)?.code === "EADDRINUSE";
}
