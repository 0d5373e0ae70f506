import type { Tracer } from "@opentelemetry/api";
import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { GENERAL, SCOPE_NAME } from "../src/semconv.ts";

export interface SpanProviderOptions {
  serviceName: string;
  /** `service.instance.id`: which process of the service this is. */
  instanceId: string;
  resourceAttributes?: Readonly<Record<string, string>> | undefined;
  /** Takes the spans that end. */
  processor: SpanProcessor;
}

/** A provider of our own. It is never made global. */
export interface SpanProvider {
  readonly tracer: Tracer;
  readonly resource: Resource;
}

export function createSpanProvider(options: SpanProviderOptions): SpanProvider {
  const resource = serviceResource(options);
  const provider = new TracerProvider({ resource, spanProcessors: [options.processor] });
  return { tracer: provider.getTracer(SCOPE_NAME), resource };
}

/** Who emits: the service, and which process of it. */
export function serviceResource(options: Omit<SpanProviderOptions, "processor">): Resource {
  const own = resourceFromAttributes({
    ...options.resourceAttributes,
    [GENERAL.SERVICE_NAME]: options.serviceName,
    [GENERAL.SERVICE_INSTANCE_ID]: options.instanceId,
  });
  return defaultResource().merge(own);
}
