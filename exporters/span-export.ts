import type { Tracer } from "@opentelemetry/api";
import type { SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { GENERAL, SCOPE_NAME } from "../src/semconv.ts";
import { loadOtlpExporter, type OtlpOptions } from "./span-otlp.ts";
import type { ShutdownOptions, SpanExportStats, SpanPipeline, SpanPipelineOptions } from "./span-pipeline.ts";

export interface SpanDeliveryOptions extends OtlpOptions, Omit<SpanPipelineOptions, "exporter" | "target"> {
  /** Takes the spans instead of an OTLP receiver. */
  exporter?: SpanExporter | undefined;
}

export interface SpanExportOptions extends SpanDeliveryOptions {
  serviceName: string;
  /** `service.instance.id`: which process of the service this is. */
  instanceId: string;
  resourceAttributes?: Readonly<Record<string, string>> | undefined;
}

/** A provider of our own and the way out of it. It is never made global. */
export interface SpanExport {
  readonly provider: TracerProvider;
  readonly tracer: Tracer;
  stats(): SpanExportStats;
  /** Resolves when every span that ended before has been delivered or dropped; never rejects. */
  forceFlush(): Promise<void>;
  /** Flushes within a deadline; what is left is dropped and counted. Idempotent; never rejects. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** @throws INVALID_ARGUMENT for a URL or protocol that cannot be used */
export async function createSpanExport(options: SpanExportOptions): Promise<SpanExport> {
  const [pipeline, { TracerProvider }, { defaultResource, resourceFromAttributes }] = await Promise.all([
    createSpanPipeline(options),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/resources"),
  ]);
  const resource = resourceFromAttributes({
    ...options.resourceAttributes,
    [GENERAL.SERVICE_NAME]: options.serviceName,
    [GENERAL.SERVICE_INSTANCE_ID]: options.instanceId,
  });
  const provider = new TracerProvider({
    resource: defaultResource().merge(resource),
    spanProcessors: [pipeline],
  });
  return {
    provider,
    tracer: provider.getTracer(SCOPE_NAME),
    stats: () => pipeline.stats(),
    forceFlush: () => pipeline.forceFlush(),
    shutdown: (shutdownOptions) => pipeline.shutdown(shutdownOptions),
  };
}

/**
 * The way out of any provider: a span processor with its stats. For a NodeSDK, pass it in
 * `spanProcessors`. The SDK is loaded here and not with the module, to keep importing us cheap.
 * @throws INVALID_ARGUMENT for a URL or protocol that cannot be used
 */
export async function createSpanPipeline(options: SpanDeliveryOptions = {}): Promise<SpanPipeline> {
  const [{ SpanPipeline }, delivery] = await Promise.all([
    import("./span-pipeline.ts"),
    options.exporter === undefined ? loadOtlpExporter(options) : { exporter: options.exporter },
  ]);
  return new SpanPipeline({ ...options, ...delivery });
}
