import { diag, type Tracer } from "@opentelemetry/api";
import type { LineLogger, LogSink } from "../exporters/logs.ts";
import { createSseHub, type SseHub } from "../exporters/sse.ts";
import { type Config, type Environment, readConfig, type Settings } from "./config.ts";
import { withinDeadline } from "./deadline.ts";
import { type Durable, openDurable } from "./durable.ts";
import { reasonOf } from "./errors.ts";
import type { OrchestratorEvent } from "./event/event.ts";
import type { EventLog } from "./event/event-log.ts";
import type { EventSink } from "./event/event-sink.ts";
import { JobTable } from "./event/job-table.ts";
import { droppedBeforeStart, takeSharedSeat } from "./event/orchestrator-events.ts";
import { type EventHandler, EventPublisher } from "./event/publisher.ts";
import { createMemoryEventLog } from "./event-log/memory.ts";
import { type WorkerJobRegistry, workerJobs } from "./job/registry.ts";
import { connectCanceling } from "./job-canceling.ts";
import { fillJobTable } from "./job-table-fill.ts";
import { Content, type ContentOptions } from "./lifecycle/content.ts";
import { JobObservers, type ObserveOptions } from "./lifecycle/job-observers.ts";
import type { JobEventSource, JobObserver } from "./lifecycle/observe.ts";
import { ResumedSpans } from "./lifecycle/resumed-spans.ts";
import { createJobRunner, type JobRunner, type JobWork, type RunInput } from "./lifecycle/run.ts";
import { runningNodeSdk } from "./node-sdk.ts";
import { careForOrphans, type OrphanCare, spanRebuilder } from "./orphans.ts";
import { leaveWithProcess } from "./process-exit.ts";
import { GENERAL } from "./semconv.ts";
import { type LateStart, startTelemetryBridge, startTelemetryBridgeLate } from "./telemetry-bridge.ts";
import type { TelemetryBridge } from "./telemetry-bridge-late.ts";
import { openLogSink } from "./telemetry-logs.ts";
import type { TelemetryStats } from "./telemetry-stats.ts";
import { telemetryStatus } from "./telemetry-status.ts";
import { type SpanOptions, startTracing, type Tracing } from "./tracing.ts";
import { warnOnce } from "./warn-once.ts";

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
  /** Starts the bridge at a moment of your own; nobody waits for it then. Default: at once. */
  lateBridge?: LateStart | undefined;
  /** Told of each kind of trouble once. Default: OpenTelemetry's `diag` logger, silent unless set. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface Telemetry {
  /**
   * Where the bridge listens, such as `http://127.0.0.1:4319`, or is to listen as soon as it may, with `bridge.join`
   * and `lateBridge`: somebody else may be there until then. Undefined without one.
   */
  readonly url: string | undefined;
  /** What writes to the bridge need. */
  readonly token: string | undefined;
  readonly registry: WorkerJobRegistry;
  /** For spans of your own that go where the jobs' spans go; a job's `traceparent` makes them its children. */
  readonly tracer: Tracer;
  /**
   * Follows a registry's jobs until it is stopped, those included that are open already; the same registry
   * is followed once. @throws INVALID_ARGUMENT; CLOSED after shutdown
   */
  observe(source: JobEventSource, options?: ObserveOptions): JobObserver;
  /**
   * Runs work as a job of `registry`, inside its span, and settles the job by how the work ends.
   * @throws what the work threw; see `JobRunner`; CLOSED after shutdown
   */
  run<R>(input: RunInput, work: JobWork<R>): Promise<R>;
  /**
   * Never waits. What may not leave of the event's texts stays; it must not be changed afterwards, as it is
   * encoded one turn of the event loop later. @throws INVALID_ARGUMENT for an event of an unknown type
   */
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

/** How long things may take, in milliseconds. Each step of a shutdown has its share, and all have `shutdown`. */
const DEADLINES = { flushSpans: 2_000, shutdown: 1_800, flush: 1_200, bridge: 600, close: 500 };

/**
 * Starts the event log, spans, live feed and log lines of this process.
 * @throws INVALID_CONFIG or INVALID_ARGUMENT naming the option or variable that cannot be used, UNAVAILABLE
 *   for a port that is taken; nothing is left open then
 */
export async function startTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const {
    env = process.env,
    registry = workerJobs,
    log,
    logger,
    sinks,
    onWarning,
    redact,
    lateBridge,
    ...rest
  } = options;
  const { tracer, spanName, topology, sessionContext, startedSpans, maxProgressEvents, ...settings } = rest;
  const config = readConfig(env, settings);
  const warn = onWarning ?? ((message: string) => diag.warn(message));
  const spans = { tracer, spanName, topology, sessionContext, startedSpans, maxProgressEvents };
  const closings: (() => Promise<unknown>)[] = [];
  try {
    const source = { env, settings, registry, log, logger, sinks, redact, lateBridge, spans, warn };
    const telemetry = await openTelemetry(config, source, closings);
    telemetry.takeSeat();
    await telemetry.recover(spans);
    return telemetry;
  } catch (error) {
    for (const close of closings.reverse()) await close();
    throw error;
  }
}

/** The options of `startTelemetry`, sorted out. */
interface Ingredients extends Pick<TelemetryOptions, "log" | "logger" | "sinks" | "redact" | "lateBridge"> {
  env: Environment;
  settings: Settings;
  registry: WorkerJobRegistry;
  spans: SpanOptions;
  warn: (message: string) => void;
}

/** @param closings gets what closes each part as soon as it is open */
async function openTelemetry(
  config: Config,
  { env, settings, registry, log: ownLog, logger, sinks = [], redact, lateBridge, spans, warn }: Ingredients,
  closings: (() => Promise<unknown>)[],
): Promise<RunningTelemetry> {
  const sdk = await runningNodeSdk();
  const { [GENERAL.SERVICE_INSTANCE_ID]: givenId = crypto.randomUUID() } = config.resourceAttributes;
  const instanceId = sdk?.instanceId ?? givenId;
  const { file, ...limits } = config.dataFile;
  const durable = await openDurable(file, {
    ...limits,
    instanceId,
    sharedStore: sdk?.store,
    onWarning: warn,
  });
  closings.push(async () => durable?.close());
  const source = { env, settings, instanceId, store: durable?.store, onWarning: warn };
  const tracing = await startTracing(config, { ...spans, ...source });
  closings.push(() => tracing.shutdown(0));
  const logs = openLogSink(logger, config.logFile);
  closings.push(() => logs.shutdown());
  const log = ownLog ?? durable?.log ?? memoryLog(config.logCapacity);
  const jobs = new JobTable();
  const hub = config.bridge && createSseHub({ log, maxClients: config.bridge.maxClients });
  closings.push(async () => hub?.shutdown());
  const onError = warnOnce(warn);
  const all = [...(hub ? [hub] : []), logs, ...sinks];
  const publisher = new EventPublisher({ log, sinks: all, source: instanceId, onError });
  const { captureContent, previewLength } = config;
  const content = new Content({ captureContent, previewLength, redact });
  const parts = { registry, publisher, tracing, content, logs, hub, durable, warn, onError };
  const telemetry = new RunningTelemetry(parts);
  closings.push(() => telemetry.shutdown());
  // What is there cannot always be read; that is no reason not to go on from here.
  await fillJobTable(jobs, log).catch((error: unknown) => onError(error, "job table"));
  // Only now, as what others write meanwhile must not reach it before what was there.
  publisher.addSink(jobs);
  const requests = durable?.log === log ? durable.cancelRequests : undefined;
  const cancelJob = connectCanceling({ registry, jobs, requests });
  if (config.bridge && hub) {
    const bridgeParts = {
      ...{ hub, jobs, publisher, registry, content, cancelJob },
      status: () => telemetryStatus(telemetry.stats()),
      onError: (error: unknown) => onError(error, "bridge"),
    };
    telemetry.bridge = lateBridge
      ? startTelemetryBridgeLate(config.bridge, bridgeParts, lateBridge)
      : await startTelemetryBridge(config.bridge, bridgeParts);
  }
  return telemetry;
}

function memoryLog(capacity: number): EventLog {
  // Room for ordinary events up to its capacity, whatever that is.
  return createMemoryEventLog({ capacity, maxLength: Math.max(64 * MIB, capacity * 1_024) });
}

interface Parts {
  registry: WorkerJobRegistry;
  publisher: EventPublisher;
  tracing: Tracing;
  content: Content;
  logs: LogSink;
  hub: SseHub | undefined;
  durable: Durable | undefined;
  warn: (message: string) => void;
  onError: (error: unknown, where: string) => void;
}

class RunningTelemetry implements Telemetry {
  readonly registry: WorkerJobRegistry;
  bridge: TelemetryBridge | undefined;
  readonly #parts: Parts;
  readonly #spans: ResumedSpans;
  readonly #observers: JobObservers;
  readonly #runner: JobRunner;
  readonly #stay = leaveWithProcess({
    close: () => this.shutdown(),
    // Appends at once what was published in the last turn of the event loop.
    write: () => void this.#parts.publisher.flush(),
  });
  #leaveSeat = () => {};
  #orphans: OrphanCare | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.registry = parts.registry;
    const { publisher, tracing, content, warn } = parts;
    const publish = (event: OrchestratorEvent) => publisher.publish(event);
    this.#spans = new ResumedSpans(tracing.tracer);
    this.#observers = new JobObservers({ publish, tracer: this.#spans, content, onWarning: warn });
    this.#runner = createJobRunner(parts.registry, this.#observers.spansOf(parts.registry));
  }

  /** From here on the process's shared feed may be this one's. */
  takeSeat(): void {
    this.#leaveSeat = takeSharedSeat({
      publish: (event) => this.publish(event),
      on: (handler) => this.onEvent(handler),
    });
  }

  /** Ends what processes leave open that are gone, or goes on with what was handed over. */
  async recover(spanOptions: SpanOptions): Promise<void> {
    const { durable, publisher, registry, tracing, warn, onError } = this.#parts;
    // A log of the user's own has none of the jobs in the file, and their ends would not reach that.
    const place = publisher.log === durable?.log ? durable : undefined;
    this.#orphans = await careForOrphans(place, {
      registry,
      publisher,
      observe: () => this.observe(registry),
      spans: this.#spans,
      rebuild: place && (await spanRebuilder(tracing, spanOptions)),
      onWarning: warn,
      onError: (error) => onError(error, "recovery"),
    });
  }

  get url(): string | undefined {
    return this.bridge?.url;
  }

  get token(): string | undefined {
    return this.bridge?.token;
  }

  get tracer(): Tracer {
    return this.#parts.tracing.otelTracer;
  }

  observe(source: JobEventSource, options?: ObserveOptions): JobObserver {
    return this.#observers.observe(source, options);
  }

  async run<R>(input: RunInput, work: JobWork<R>): Promise<R> {
    this.observe(this.registry);
    return this.#runner.run(input, work);
  }

  publish(event: OrchestratorEvent): void {
    const { publisher, content } = this.#parts;
    publisher.publish(content.event(event));
  }

  onEvent(handler: EventHandler): () => void {
    return this.#parts.publisher.on(handler);
  }

  stats(): TelemetryStats {
    const { publisher, tracing, logs, hub, durable } = this.#parts;
    return {
      events: publisher.stats(),
      jobs: this.#observers.stats(),
      jobSpans: tracing.jobSpans(),
      spans: tracing.exported(),
      log: durable?.log.stats(),
      orphans: this.#orphans?.stats(),
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
    const { publisher, tracing, durable } = this.#parts;
    this.#runner.stop();
    this.#observers.close();
    const deadline = performance.now() + DEADLINES.shutdown;
    const step = (name: string, shareMs: number, begin: (ms: number) => unknown) =>
      this.#step(name, Math.max(0, Math.min(shareMs, deadline - performance.now())), begin);
    await step("recovery", DEADLINES.close, () => this.#orphans?.stop());
    const closeFeed = async () => {
      // First to the log, so that clients see how the last jobs ended before they are sent away.
      await step("flush", DEADLINES.flush, () => publisher.flush());
      // Not before, as the handlers of `onOrchestratorEvent` leave with the seat.
      this.#leaveSeat();
      await step("bridge", DEADLINES.bridge, (deadlineMs) => this.bridge?.close({ deadlineMs }));
      await step("sinks", DEADLINES.close, () => publisher.shutdown());
      // Once more, for when a sink kept the publisher from getting there.
      await step("log", DEADLINES.close, () => publisher.log.close());
    };
    await Promise.all([closeFeed(), tracing.shutdown(deadline - performance.now())]);
    await durable?.close();
    this.#stay();
  }

  /** A step that fails or hangs is told of and left behind: the ones after it matter as much. */
  async #step(name: string, deadlineMs: number, begin: (deadlineMs: number) => unknown): Promise<void> {
    const tell = (what: string) => this.#parts.warn(`Shutdown: the ${name} ${what}`);
    const work = (async () => begin(deadlineMs))().catch((error: unknown) => {
      tell(`failed: ${reasonOf(error)}`);
    });
    if (!(await withinDeadline(deadlineMs, work))) {
      tell(`did not finish within ${Math.round(deadlineMs)} ms`);
    }
  }
}
