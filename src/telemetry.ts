import { diag } from "@opentelemetry/api";
import { createLogSink, type LineLogger, type LogSink } from "../exporters/logs.ts";
import { createSseHub, type SseHub } from "../exporters/sse.ts";
import type { OtelJobTracerOptions } from "../exporters/traces.ts";
import { type Environment, readConfig, type Settings } from "./config.ts";
import type { OrchestratorEvent } from "./event/event.ts";
import type { EventLog } from "./event/event-log.ts";
import type { EventSink } from "./event/event-sink.ts";
import { JobTable } from "./event/job-table.ts";
import { takeSharedSeat } from "./event/orchestrator-events.ts";
import { type EventHandler, EventPublisher } from "./event/publisher.ts";
import { createMemoryEventLog } from "./event-log/memory.ts";
import { type WorkerJobRegistry, workerJobs } from "./job/registry.ts";
import { Content, type ContentOptions } from "./lifecycle/content.ts";
import { type JobEventSource, type JobObserver, observeJobs } from "./lifecycle/observe.ts";
import { createJobRunner, type JobRunner, type JobWork, type RunInput } from "./lifecycle/run.ts";
import { runningNodeSdk } from "./node-sdk.ts";
import { startTelemetryBridge, type TelemetryBridge } from "./telemetry-bridge.ts";
import type { TelemetryStats } from "./telemetry-stats.ts";
import { startTracing, type Tracing } from "./tracing.ts";

export interface TelemetryOptions
  extends Settings,
    Pick<ContentOptions, "redact">,
    Partial<
      Pick<OtelJobTracerOptions, "tracer" | "spanName" | "topology" | "sessionContext" | "maxProgressEvents">
    > {
  /** Default: `process.env`. */
  env?: Environment | undefined;
  /** What `run` creates its jobs in. Default: the shared `workerJobs`. */
  registry?: WorkerJobRegistry | undefined;
  /** Default: in memory, bounded by `logCapacity`. Closed at shutdown. */
  log?: EventLog | undefined;
  /** Your own pino, for one line per event. */
  logger?: LineLogger | undefined;
  /** Projections of your own. Shut down at shutdown. */
  sinks?: readonly EventSink[] | undefined;
  /** Told of each kind of trouble once. Default: OpenTelemetry's `diag` logger, silent unless set. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface Telemetry {
  /** Where the bridge listens, such as `http://127.0.0.1:4319`; undefined without one. */
  readonly url: string | undefined;
  /** What writes to the bridge need. */
  readonly token: string | undefined;
  readonly registry: WorkerJobRegistry;
  /** Follows a registry's jobs until it is stopped; the same registry is followed once. */
  observe(source: JobEventSource): JobObserver;
  /** Runs work as a job of `registry`, inside its span, and settles the job by how the work ends. */
  run<R>(input: RunInput, work: JobWork<R>): Promise<R>;
  /** Never waits. @throws INVALID_ARGUMENT for an event of an unknown type */
  publish(event: OrchestratorEvent): void;
  /** Shows every event to `handler` once it is in the log, until the returned function is called. */
  onEvent(handler: EventHandler): () => void;
  stats(): TelemetryStats;
  /** A barrier: what happened before is in the log, in every sink, and sent or given up on as a span. */
  flush(): Promise<void>;
  /** Ends open jobs as interrupted, flushes and closes everything within two seconds. Idempotent. */
  shutdown(): Promise<void>;
}

/** Spans and log lines may take this long to leave at shutdown, in milliseconds. */
const SHUTDOWN_DEADLINE_MS = 1_500;

/**
 * Starts the event log, spans, live feed and log lines of this process.
 * @throws INVALID_CONFIG naming the option or variable that cannot be used; nothing is left open then
 */
export async function startTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const config = readConfig(options.env ?? process.env, options);
  const warn = options.onWarning ?? ((message: string) => diag.warn(message));
  const instanceId = runningNodeSdk()?.instanceId ?? crypto.randomUUID();
  const { logger, redact, registry = workerJobs } = options;
  const tracing = await startTracing(config, { ...spanOptions(options), instanceId, onWarning: warn });
  const logs = createLogSink(logger === undefined ? { file: config.logFile } : { logger });
  const log = options.log ?? createMemoryEventLog({ capacity: config.logCapacity });
  const jobs = new JobTable();
  const hub = config.bridge && createSseHub({ log });
  const onError = warnOnce(warn);
  const sinks = [jobs, ...(hub ? [hub] : []), logs, ...(options.sinks ?? [])];
  const publisher = new EventPublisher({ log, sinks, source: instanceId, onError });
  const { captureContent, previewLength } = config;
  const content = new Content({ captureContent, previewLength, redact });
  const telemetry = new RunningTelemetry({ registry, publisher, tracing, content, logs, hub });
  if (config.bridge === undefined || hub === undefined) return telemetry;
  try {
    telemetry.bridge = await startTelemetryBridge(config.bridge, {
      hub,
      jobs,
      publisher,
      registry,
      status: () => telemetry.stats(),
      onError: (error) => onError(error, "bridge"),
    });
  } catch (error) {
    await telemetry.shutdown();
    throw error;
  }
  return telemetry;
}

function spanOptions({ tracer, spanName, topology, sessionContext, maxProgressEvents }: TelemetryOptions) {
  return { tracer, spanName, topology, sessionContext, maxProgressEvents };
}

interface Parts {
  registry: WorkerJobRegistry;
  publisher: EventPublisher;
  tracing: Tracing;
  content: Content;
  logs: LogSink;
  hub: SseHub | undefined;
}

class RunningTelemetry implements Telemetry {
  readonly registry: WorkerJobRegistry;
  bridge: TelemetryBridge | undefined;
  readonly #parts: Parts;
  readonly #observers = new Map<JobEventSource, JobObserver>();
  readonly #runner: JobRunner;
  readonly #leaveSeat: (() => void) | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.#leaveSeat = takeSharedSeat(parts.publisher);
    this.#runner = createJobRunner(parts.registry, {
      within: (jobId, fn) => parts.tracing.tracer.within(jobId, fn),
      traceparent: (jobId) => this.#observers.get(parts.registry)?.traceparent(jobId),
    });
  }

  get url(): string | undefined {
    return this.bridge?.url;
  }

  get token(): string | undefined {
    return this.bridge?.token;
  }

  observe(source: JobEventSource): JobObserver {
    const known = this.#observers.get(source);
    if (known !== undefined) return known;
    const { publisher, tracing, content } = this.#parts;
    const publish = (event: OrchestratorEvent) => publisher.publish(event);
    const observer = observeJobs(source, { publish, tracer: tracing.tracer, content });
    const observed: JobObserver = {
      stats: () => observer.stats(),
      traceparent: (jobId) => observer.traceparent(jobId),
      stop: () => {
        this.#observers.delete(source);
        observer.stop();
      },
    };
    this.#observers.set(source, observed);
    return observed;
  }

  run<R>(input: RunInput, work: JobWork<R>): Promise<R> {
    this.observe(this.registry);
    return this.#runner.run(input, work);
  }

  publish(event: OrchestratorEvent): void {
    this.#parts.publisher.publish(event);
  }

  onEvent(handler: EventHandler): () => void {
    return this.#parts.publisher.on(handler);
  }

  stats(): TelemetryStats {
    const { publisher, tracing, logs, hub } = this.#parts;
    return {
      events: publisher.stats(),
      jobs: [...this.#observers.values()].map((observer) => observer.stats()),
      jobSpans: tracing.jobSpans(),
      spans: tracing.exported(),
      logs: logs.stats(),
      sse: hub?.stats(),
    };
  }

  async flush(): Promise<void> {
    await Promise.all([this.#parts.publisher.flush(), this.#parts.tracing.forceFlush()]);
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#close();
    return this.#shutdown;
  }

  async #close(): Promise<void> {
    const { publisher, tracing } = this.#parts;
    this.#runner.stop();
    for (const observer of [...this.#observers.values()]) observer.stop();
    const closeFeed = async () => {
      // First to the log, so that clients see how the last jobs ended before they are sent away.
      await publisher.flush();
      // Not before, as the handlers of `onOrchestratorEvent` leave with the seat.
      this.#leaveSeat?.();
      await this.bridge?.close();
      await publisher.shutdown();
    };
    await Promise.all([closeFeed(), tracing.shutdown(SHUTDOWN_DEADLINE_MS)]);
  }
}

/** The publisher tells of each failure; one line per place is enough, the rest is in the counters. */
function warnOnce(warn: (message: string) => void): (error: unknown, where: string) => void {
  const told = new Set<string>();
  return (error, where) => {
    if (told.has(where)) return;
    told.add(where);
    warn(
      `The ${where} failed and its failures are counted from now on: ${error instanceof Error ? error.message : error}`,
    );
  };
}
