import type { Resource } from "@opentelemetry/resources";
import type { SpanOutbox } from "../exporters/span-outbox.ts";
import type { SpanOutboxStats } from "../exporters/span-outbox-ledger.ts";
import { type Config, type Environment, readConfig, readExporterConfig, type Settings } from "./config.ts";
import { openDataFile, unlessOfNoUse } from "./data-file.ts";
import { withinDeadline } from "./deadline.ts";
import { GENERAL } from "./semconv.ts";
import { openSpanOutbox } from "./span-way-out.ts";
import type { Store } from "./store/store.ts";

export interface NodeSdkOptions
  extends Pick<Settings, "serviceName" | "resourceAttributes" | "traces" | "dataFile"> {
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
  /** The file that keeps spans beyond this process, when there is one. */
  readonly store: Store | undefined;
  /** Undefined when no spans are made. */
  readonly outbox: SpanOutbox | undefined;
  readonly resource: Resource | undefined;
  /** Undefined when no spans are made. */
  stats(): SpanOutboxStats | undefined;
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
  const [{ NodeSDK }, resources, { serviceResource }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/resources"),
    import("../exporters/span-provider.ts"),
  ]);
  const exporter = config.traces ? readExporterConfig(env, settings) : undefined;
  const { serviceName, resourceAttributes } = config;
  const store = await openSharedFile(config.dataFile, onWarning);
  const outbox = exporter && (await openSpanOutbox(exporter, { store, onWarning }));
  const resource = serviceResource({ serviceName, resourceAttributes, instanceId });
  const sdk = new NodeSDK({
    resource,
    // Not the process detector: a command line may hold secrets, or a whole prompt.
    resourceDetectors: env.OTEL_NODE_RESOURCE_DETECTORS
      ? undefined
      : [resources.hostDetector, resources.osDetector],
    spanProcessors: outbox ? [outbox] : [],
    metricReaders: env.OTEL_METRICS_EXPORTER ? undefined : [],
    logRecordProcessors: env.OTEL_LOGS_EXPORTER ? undefined : [],
  });
  sdk.start();
  let closing: Promise<void> | undefined;
  const close = async (deadlineMs: number) => {
    running = undefined;
    const deadline = performance.now() + deadlineMs;
    // First what keeps the deadline and the books, which the SDK does not.
    await outbox?.shutdown({ deadlineMs });
    await withinDeadline(deadline - performance.now(), sdk.shutdown());
    store?.close();
  };
  return {
    url: exporter?.url,
    instanceId,
    store,
    outbox,
    resource,
    stats: () => outbox?.stats(),
    forceFlush: async () => outbox?.forceFlush(),
    shutdown: ({ deadlineMs = 1_500 } = {}) => {
      closing ??= close(deadlineMs);
      return closing;
    },
  };
}

/** Undefined without a file, and for one that is of no use now. @throws INVALID_CONFIG */
async function openSharedFile(
  { file, synchronous, busyTimeoutMs }: Config["dataFile"],
  onWarning: NodeSdkOptions["onWarning"],
): Promise<Store | undefined> {
  if (file === undefined) return undefined;
  const options = { synchronous, busyTimeoutMs, onWarning };
  return unlessOfNoUse({ file, what: "spans", onWarning }, () => openDataFile(file, options));
}

function disabled(instanceId: string): RunningNodeSdk {
  const shutdown = async () => {
    running = undefined;
  };
  const parts = { url: undefined, store: undefined, outbox: undefined, resource: undefined };
  return { ...parts, instanceId, stats: () => undefined, forceFlush: async () => {}, shutdown };
}
