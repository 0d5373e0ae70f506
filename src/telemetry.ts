import { diag } from "@opentelemetry/api";
import { createLogSink, type LineLogger, type LogSink } from "../exporters/logs.ts";
import { createSseHub, type SseHub } from "../exporters/sse.ts";
import { type Environment, readConfig, type Settings } from "./config.ts";
import { withinDeadline } from "./deadline.ts";
import type { OrchestratorEvent } from "./event/event.ts";
import type { EventLog } from "./event/event-log.ts";
import type { EventSink } from "./event/event-sink.ts";
import { JobTable } from "./event/job-table.ts";
import { droppedBeforeStart, takeSharedSeat } from "./event/orchestrator-events.ts";
import { type EventHandler, EventPublisher } from "./event/publisher.ts";
import { createMemoryEventLog } from "./event-log/memory.ts";
import { type WorkerJobRegistry, workerJobs } from "./job/registry.ts";
import { Content, type ContentOptions } from "./lifecycle/content.ts";
import { type JobEventSource, type JobObserver, observeJobs } from "./lifecycle/observe.ts";
import { createJobRunner, type JobRunner, type JobWork, type RunInput } from "./lifecycle/run.ts";
import { runningNodeSdk } from "./node-sdk.ts";
import { GENERAL } from "./semconv.ts";
import { startTelemetryBridge, type TelemetryBridge } from "./telemetry-bridge.ts";
import type { TelemetryStats } from "./telemetry-stats.ts";
import { type SpanOptions, startTracing, type Tracing } from "./tracing.ts";

export interface TelemetryOptions extends Settings, Pick<ContentOptions, "redact">, SpanOptions {
  /** Default: `process.env`. */
  env?: Environment | undefined;
  /** What `run` creates its jobs in. Default: the shared `workerJobs`. */
  registry?: WorkerJobRegistry | undefined;
  /** Default: in memory, bounded by `logCapacity`. Closed at shutdown. */
  log?: EventLog | undefined;
  /** Your own pino, for one line per event. Wins over `ORCHESTRA_LOG_FILE`. */
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
  /**
   * A barrier: what happened before is in the log and in every sink, and sent as spans. Spans that a
   * receiver does not take within two seconds stay pending.
   */
  flush(): Promise<void>;
  /** Ends open jobs as interrupted, flushes and closes everything within two seconds. Idempotent. */
  shutdown(): Promise<void>;
}

const MIB = 1024 * 1024;

/** How long spans, the log and its sinks, and the bridge's clients may take to leave, in milliseconds. */
const DEADLINES = { flushSpans: 2_000, closeSpans: 1_500, flush: 500, bridge: 600, close: 400 };

/**
 * Starts the event log, spans, live feed and log lines of this process.
 * @throws INVALID_CONFIG or INVALID_ARGUMENT naming the option or variable that cannot be used, UNAVAILABLE
 *   for a port that is taken; nothing is left open then
 */
export async function startTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const {
    env = process.env,
    registry = workerJobs,
    log: ownLog,
    logger,
    sinks = [],
    onWarning,
    redact,
    ...rest
  } = options;
  const { tracer, spanName, topology, sessionContext, startedSpans, maxProgressEvents, ...settings } = rest;
  const config = readConfig(env, settings);
  const warn = onWarning ?? ((message: string) => diag.warn(message));
  const onError = warnOnce(warn);
  const sdk = await runningNodeSdk();
  const instanceId =
    sdk?.instanceId ?? config.resourceAttributes[GENERAL.SERVICE_INSTANCE_ID] ?? crypto.randomUUID();
  const spanOptions = { tracer, spanName, topology, sessionContext, startedSpans, maxProgressEvents };
  const tracing = await startTracing(config, { ...spanOptions, env, settings, instanceId, onWarning: warn });
  const closings = [() => tracing.shutdown(0)];
  try {
    const logs = createLogSink(logger === undefined ? { file: config.logFile } : { logger });
    closings.push(() => logs.shutdown());
    const log =
      // Room for ordinary events up to its capacity, whatever that is.
      ownLog ??
      createMemoryEventLog({
        capacity: config.logCapacity,
        maxLength: Math.max(64 * MIB, config.logCapacity * 1_024),
      });
    const jobs = new JobTable();
    const hub = config.bridge && createSseHub({ log });
    closings.push(async () => hub?.shutdown());
    const all = [jobs, ...(hub ? [hub] : []), logs, ...sinks];
    const publisher = new EventPublisher({ log, sinks: all, source: instanceId, onError });
    const { captureContent, previewLength } = config;
    const content = new Content({ captureContent, previewLength, redact });
    const telemetry = new RunningTelemetry({ registry, publisher, tracing, content, logs, hub, warn });
    closings.push(() => telemetry.shutdown());
    if (config.bridge && hub) {
      const status = () => telemetry.stats();
      const bridgeParts = {
        hub,
        jobs,
        publisher,
        registry,
        status,
        onError: (error: unknown) => onError(error, "bridge"),
      };
      telemetry.bridge = await startTelemetryBridge(config.bridge, bridgeParts);
    }
    telemetry.takeSeat();
    return telemetry;
  } catch (error) {
    for (const close of closings.reverse()) await close();
    throw error;
  }
}

interface Parts {
  registry: WorkerJobRegistry;
  publisher: EventPublisher;
  tracing: Tracing;
  content: Content;
  logs: LogSink;
  hub: SseHub | undefined;
  warn: (message: string) => void;
}

class RunningTelemetry implements Telemetry {
  readonly registry: WorkerJobRegistry;
  bridge: TelemetryBridge | undefined;
  readonly #parts: Parts;
  readonly #observers = new Map<JobEventSource, JobObserver>();
  readonly #runner: JobRunner;
  #leaveSeat = () => {};
  #shutdown: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.#runner = createJobRunner(parts.registry, {
      within: (jobId, fn) => parts.tracing.tracer.within(jobId, fn),
      traceparent: (jobId) => this.#observers.get(parts.registry)?.traceparent(jobId),
    });
  }

  /** From here on the process's shared feed may be this one's. */
  takeSeat(): void {
    this.#leaveSeat = takeSharedSeat(this.#parts.publisher);
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
      resume: (job) => observer.resume(job),
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
      droppedBeforeStart: droppedBeforeStart(),
    };
  }

  async flush(): Promise<void> {
    const { publisher, tracing } = this.#parts;
    await Promise.all([publisher.flush(), withinDeadline(DEADLINES.flushSpans, tracing.forceFlush())]);
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
      await this.#step("flush", DEADLINES.flush, publisher.flush());
      // Not before, as the handlers of `onOrchestratorEvent` leave with the seat.
      this.#leaveSeat();
      const { bridge: deadlineMs } = DEADLINES;
      await this.#step("bridge", deadlineMs, this.bridge?.close({ deadlineMs }));
      await this.#step("sinks", DEADLINES.close, publisher.shutdown());
      // Once more, for when a sink kept the publisher from getting there.
      await this.#step("log", DEADLINES.close, publisher.log.close());
    };
    await Promise.all([closeFeed(), tracing.shutdown(DEADLINES.closeSpans)]);
  }

  /** A step that fails or hangs is told of and left behind: the ones after it matter as much. */
  async #step(name: string, deadlineMs: number, work: Promise<void> | undefined): Promise<void> {
    if (work === undefined || (await withinDeadline(deadlineMs, work))) return;
    this.#parts.warn(`Shutdown: the ${name} did not finish within ${deadlineMs} ms`);
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
