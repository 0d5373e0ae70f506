import { ProxyTracerProvider, type Tracer, trace } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { SpanOutbox } from "../exporters/span-outbox.ts";
import type { SpanOutboxStats } from "../exporters/span-outbox-ledger.ts";
import type { OtelJobTracerOptions, OtelJobTracerStats } from "../exporters/traces.ts";
import { type Config, type Environment, readExporterConfig, type Settings } from "./config.ts";
import { withinDeadline } from "./deadline.ts";
import { type JobTracer, noopJobTracer } from "./lifecycle/job-tracer.ts";
import { runningNodeSdk } from "./node-sdk.ts";
import { SCOPE_NAME } from "./semconv.ts";
import { openSpanOutbox } from "./span-way-out.ts";
import type { Store } from "./store/store.ts";

/** How spans look; where they go is configuration. */
export type SpanOptions = Partial<
  Pick<
    OtelJobTracerOptions,
    "tracer" | "spanName" | "topology" | "sessionContext" | "startedSpans" | "maxProgressEvents"
  >
>;

export interface TracingOptions extends SpanOptions {
  env: Environment;
  settings: Settings;
  /** `service.instance.id` of a private provider. */
  instanceId: string;
  /** Keeps the spans of a private provider until they are sent. Default: memory. */
  store?: Store | undefined;
  onWarning: (message: string) => void;
}

/** Where spans come from and what became of them. */
export interface Tracing {
  readonly tracer: JobTracer;
  /** Makes the spans of jobs, and others beside them; none when spans are switched off. */
  readonly otelTracer: Tracer;
  /** Undefined when spans are switched off. */
  jobSpans(): OtelJobTracerStats | undefined;
  /** Undefined when spans are off, or when a host's provider exports them out of our sight. */
  exported(): SpanOutboxStats | undefined;
  /** Our own way out for spans, if there is one. */
  readonly outbox: SpanOutbox | undefined;
  /** Of the service that the spans are of, if they leave by our own way out. */
  readonly resource: Resource | undefined;
  forceFlush(): Promise<void>;
  /** Flushes, and closes what this opened: a private provider, never a host's. */
  shutdown(deadlineMs: number): Promise<void>;
}

/** A provider, and how its spans leave. */
interface SpanSource {
  tracer: Tracer;
  /** Made by us, for spans alone. */
  isPrivate?: boolean;
  outbox?: SpanOutbox;
  resource?: Resource;
  exported(): SpanOutboxStats | undefined;
  forceFlush(): Promise<void>;
  shutdown(deadlineMs: number): Promise<void>;
}

/**
 * Spans by the tracer given, else by the host's provider when it has one, else by a private one. No global
 * is ever set.
 * @throws INVALID_CONFIG for variables of a private exporter, INVALID_ARGUMENT for span options
 */
export async function startTracing(config: Config, options: TracingOptions): Promise<Tracing> {
  if (!config.traces) {
    const nothing = async () => {};
    const stats = () => undefined;
    return {
      tracer: noopJobTracer,
      otelTracer: new ProxyTracerProvider().getTracer(SCOPE_NAME),
      jobSpans: stats,
      exported: stats,
      outbox: undefined,
      resource: undefined,
      forceFlush: nothing,
      shutdown: nothing,
    };
  }
  const { createOtelJobTracer } = await import("../exporters/traces.ts");
  const { env, settings, instanceId, store, onWarning, ...spanOptions } = options;
  const source = options.tracer
    ? given(options.tracer)
    : ((await hostSource()) ?? (await privateSource(config, options)));
  const exceptionSignal = exceptionSignalFor(source, config, options.onWarning);
  const tracer = createOtelJobTracer({ ...spanOptions, tracer: source.tracer, exceptionSignal });
  return {
    tracer,
    otelTracer: source.tracer,
    jobSpans: () => tracer.stats(),
    exported: source.exported,
    outbox: source.outbox,
    resource: source.resource,
    forceFlush: source.forceFlush,
    shutdown: source.shutdown,
  };
}

/** A private provider has no log records to put exceptions into. */
function exceptionSignalFor(
  { isPrivate = false }: SpanSource,
  { exceptionSignal }: Config,
  onWarning: (message: string) => void,
): Config["exceptionSignal"] {
  if (!isPrivate || exceptionSignal === "span") return exceptionSignal;
  onWarning(
    "Exceptions are recorded on spans: log records need an OpenTelemetry logger provider of the host",
  );
  return "span";
}

function given(tracer: Tracer): SpanSource {
  return { tracer, exported: () => undefined, forceFlush: async () => {}, shutdown: async () => {} };
}

/** The API's own provider stands in where nobody has set one. */
async function hostSource(): Promise<SpanSource | undefined> {
  const provider = trace.getTracerProvider();
  const nobody = new ProxyTracerProvider().getDelegate();
  if (provider instanceof ProxyTracerProvider && provider.getDelegate() === nobody) return undefined;
  const tracer = trace.getTracer(SCOPE_NAME);
  const sdk = await runningNodeSdk();
  if (sdk === undefined) return given(tracer);
  return {
    tracer,
    outbox: sdk.outbox,
    resource: sdk.resource,
    exported: () => sdk.stats(),
    forceFlush: () => sdk.forceFlush(),
    // Others may still have spans to end; ours are ended now and should not depend on them.
    shutdown: async (deadlineMs) => void (await withinDeadline(deadlineMs, sdk.forceFlush())),
  };
}

async function privateSource(config: Config, options: TracingOptions): Promise<SpanSource> {
  const { env, settings, instanceId, store, onWarning } = options;
  const outbox = await openSpanOutbox(readExporterConfig(env, settings), { store, onWarning });
  const { createSpanProvider } = await import("../exporters/span-provider.ts");
  const { serviceName, resourceAttributes } = config;
  const provider = createSpanProvider({ serviceName, resourceAttributes, instanceId, processor: outbox });
  return {
    ...provider,
    isPrivate: true,
    outbox,
    exported: () => outbox.stats(),
    forceFlush: () => outbox.forceFlush(),
    shutdown: (deadlineMs) => outbox.shutdown({ deadlineMs }),
  };
}
