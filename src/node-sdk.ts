import type { SpanExportStats } from "../exporters/span-pipeline.ts";
import { type Environment, readConfig, type Settings } from "./config.ts";
import { GENERAL } from "./semconv.ts";

export interface NodeSdkOptions extends Pick<Settings, "serviceName" | "resourceAttributes" | "traces"> {
  /** Default: `process.env`. */
  env?: Environment | undefined;
  /** Told once when spans cannot be delivered, and again only after it had worked. Default: nothing. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface RunningNodeSdk {
  /** Where spans are posted to; undefined when tracing is switched off. */
  readonly url: string | undefined;
  /** `service.instance.id` of this process. */
  readonly instanceId: string;
  stats(): SpanExportStats;
  /** Resolves when every span that ended before has been delivered or dropped. */
  forceFlush(): Promise<void>;
  /** Flushes within `deadlineMs` (default: 1,500); what is left is dropped and counted. Idempotent. */
  shutdown(options?: { deadlineMs?: number }): Promise<void>;
}

let running: RunningNodeSdk | undefined;

/** The NodeSDK that `startNodeSdk` started in this process. */
export function runningNodeSdk(): RunningNodeSdk | undefined {
  return running;
}

/**
 * Starts OpenTelemetry's NodeSDK, globals and all, so that spans of libraries and of your own nest under
 * the jobs. For a process of your own; inside somebody else's, `startTelemetry` alone is right. Metrics
 * and logs are left to `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER`, and are off without them.
 * @throws INVALID_CONFIG
 */
export async function startNodeSdk(options: NodeSdkOptions = {}): Promise<RunningNodeSdk> {
  const { env = process.env, onWarning } = options;
  const config = readConfig(env, options);
  const instanceId = crypto.randomUUID();
  if (config.traces === undefined) {
    running = { url: undefined, instanceId, stats: noSpans, forceFlush: done, shutdown: done };
    return running;
  }
  const [{ NodeSDK }, resources, { createSpanPipeline }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/resources"),
    import("../exporters/span-export.ts"),
  ]);
  const { url, headers, protocol } = config.traces;
  const pipeline = await createSpanPipeline({ url, headers, protocol, onWarning });
  const resource = resources.resourceFromAttributes({
    ...config.resourceAttributes,
    [GENERAL.SERVICE_NAME]: config.serviceName,
    [GENERAL.SERVICE_INSTANCE_ID]: instanceId,
  });
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(resource),
    // Not the process detector: a command line may hold secrets, or a whole prompt.
    resourceDetectors: env.OTEL_NODE_RESOURCE_DETECTORS
      ? undefined
      : [resources.hostDetector, resources.osDetector],
    spanProcessors: [pipeline],
    metricReaders: env.OTEL_METRICS_EXPORTER ? undefined : [],
    logRecordProcessors: env.OTEL_LOGS_EXPORTER ? undefined : [],
  });
  sdk.start();
  running = {
    url,
    instanceId,
    stats: () => pipeline.stats(),
    forceFlush: () => pipeline.forceFlush(),
    shutdown: async (shutdownOptions) => {
      // The pipeline first: it keeps the deadline that the SDK does not have.
      await pipeline.shutdown(shutdownOptions);
      await sdk.shutdown();
    },
  };
  return running;
}

const noSpans = (): SpanExportStats => ({
  ended: 0,
  exported: 0,
  pending: 0,
  dropped: { queue_full: 0, export_failed: 0, shutdown: 0, closed: 0 },
  lastError: undefined,
});

async function done(): Promise<void> {}
