import type { SpanExportStats } from "../exporters/span-pipeline.ts";
import { type Environment, readConfig, readExporterConfig, type Settings } from "./config.ts";
import { withinDeadline } from "./deadline.ts";
import { GENERAL } from "./semconv.ts";

export interface NodeSdkOptions extends Pick<Settings, "serviceName" | "resourceAttributes" | "traces"> {
  /** Default: `process.env`. */
  env?: Environment | undefined;
  /** Told once when spans cannot be delivered, and again only after it had worked. Default: nothing. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface RunningNodeSdk {
  /** Where spans are posted to; undefined when none are made. */
  readonly url: string | undefined;
  /** `service.instance.id` of this process. */
  readonly instanceId: string;
  stats(): SpanExportStats;
  /** Resolves when every span that ended before has been delivered or dropped. */
  forceFlush(): Promise<void>;
  /**
   * Flushes and closes within `deadlineMs` (default: 1,500); what is left is dropped and counted.
   * Idempotent; never rejects.
   */
  shutdown(options?: { deadlineMs?: number }): Promise<void>;
}

let running: Promise<RunningNodeSdk> | undefined;

/** The NodeSDK that `startNodeSdk` started in this process, until it is shut down. */
export function runningNodeSdk(): Promise<RunningNodeSdk> | undefined {
  return running;
}

/**
 * Starts OpenTelemetry's NodeSDK, globals and all, so that spans of libraries and of your own nest under
 * the jobs. For a process of your own; inside somebody else's, `startTelemetry` alone is right. Metrics
 * and logs are left to `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER`, and are off without them. While
 * one is running, another start returns that one.
 * @throws INVALID_CONFIG
 */
export function startNodeSdk(options: NodeSdkOptions = {}): Promise<RunningNodeSdk> {
  running ??= start(options).catch((error) => {
    running = undefined;
    throw error;
  });
  return running;
}

async function start(options: NodeSdkOptions): Promise<RunningNodeSdk> {
  const { env = process.env, onWarning, ...settings } = options;
  const config = readConfig(env, settings);
  const { [GENERAL.SERVICE_INSTANCE_ID]: instanceId = crypto.randomUUID() } = config.resourceAttributes;
  if (config.sdkDisabled) return disabled(instanceId);
  const [{ NodeSDK }, resources, { createSpanPipeline }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/resources"),
    import("../exporters/span-export.ts"),
  ]);
  const exporter = config.traces ? readExporterConfig(env, settings) : undefined;
  const pipeline = exporter && (await createSpanPipeline({ ...exporter, onWarning }));
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
    spanProcessors: pipeline ? [pipeline] : [],
    metricReaders: env.OTEL_METRICS_EXPORTER ? undefined : [],
    logRecordProcessors: env.OTEL_LOGS_EXPORTER ? undefined : [],
  });
  sdk.start();
  let closing: Promise<void> | undefined;
  const close = async (deadlineMs: number) => {
    running = undefined;
    const deadline = performance.now() + deadlineMs;
    // The pipeline first: it keeps books of what it could not deliver, which the SDK does not.
    await pipeline?.shutdown({ deadlineMs });
    await withinDeadline(deadline - performance.now(), sdk.shutdown());
  };
  return {
    url: exporter?.url,
    instanceId,
    stats: () => pipeline?.stats() ?? noSpans(),
    forceFlush: async () => pipeline?.forceFlush(),
    shutdown: ({ deadlineMs = 1_500 } = {}) => {
      closing ??= close(deadlineMs);
      return closing;
    },
  };
}

function disabled(instanceId: string): RunningNodeSdk {
  const shutdown = async () => {
    running = undefined;
  };
  return { url: undefined, instanceId, stats: noSpans, forceFlush: async () => {}, shutdown };
}

function noSpans(): SpanExportStats {
  const dropped = { queue_full: 0, export_failed: 0, shutdown: 0, closed: 0 };
  return { ended: 0, exported: 0, pending: 0, dropped, lastError: undefined };
}
