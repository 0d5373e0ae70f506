import type { SseHub } from "../exporters/sse.ts";
import type { Bridge, JobContent } from "./bridge/bridge.ts";
import { hostOfAddress, isLoopback } from "./bridge/host-name.ts";
import type { Config } from "./config.ts";
import { OrchestraError } from "./errors.ts";
import type { JobTable } from "./event/job-table.ts";
import type { EventPublisher } from "./event/publisher.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";

export interface TelemetryBridgeParts {
  hub: SseHub;
  jobs: JobTable;
  publisher: EventPublisher;
  registry: WorkerJobRegistry;
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
  const { publisher, registry, ...rest } = parts;
  const { portIsDefault, ...address } = config;
  // Off loopback it must have been chosen: a token that nobody was told of would only look like a lock.
  const token = config.token ?? (isLoopback(hostOfAddress(config.host)) ? randomToken() : undefined);
  const options = {
    ...rest,
    ...address,
    token,
    log: publisher.log,
    publish: publisher.publish.bind(publisher),
    flush: () => publisher.flush(),
    cancelJob: (jobId: string, reason: string | undefined) => registry.cancel(jobId, { reason }),
    content: (jobId: string) => contentOf(registry, jobId),
  };
  try {
    return Object.assign(await startBridge(options), { token });
  } catch (error) {
    // Somebody else's 4319 is no reason not to start; a port that was asked for is.
    if (!portIsDefault || !isPortTaken(error)) throw error;
    return Object.assign(await startBridge({ ...options, port: 0 }), { token });
  }
}

function contentOf(registry: WorkerJobRegistry, jobId: string): JobContent | undefined {
  const job = registry.get(jobId);
  return job && { message: job.message, response: job.responseText };
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

function isPortTaken(error: unknown): boolean {
  return error instanceof OrchestraError && (error.cause as NodeJS.ErrnoException)?.code === "EADDRINUSE";
}
