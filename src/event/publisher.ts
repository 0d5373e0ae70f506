import { invalidArgument, OrchestraError } from "../errors.ts";
import { isJobEvent, type OrchestratorEvent, requireEventType } from "./event.ts";
import { createEventId } from "./event-id.ts";
import { encodeEvent } from "./event-json.ts";
import type { Cursor, EventLog, EventRecord, MaybePromise, UnplacedEvent } from "./event-log.ts";
import type { EventSink } from "./event-sink.ts";

export interface EventPublisherOptions {
  log: EventLog;
  sinks?: readonly EventSink[];
  /** `service.instance.id` put on events that carry no source of their own. */
  source?: string;
  /**
   * Events that may wait to be appended. What comes beyond it is dropped and counted, but what opens or
   * ends a job has as much room again. Default: 10,000.
   */
  maxPending?: number;
  /** Runs `drain` soon, once. Default: `setImmediate`, so once per turn of the event loop. */
  schedule?: (drain: () => void) => void;
  /** Told of each failure of the log, a sink or a handler. Default: it is only counted. */
  onError?: (error: unknown, where: string) => void;
}

export type EventHandler = (record: EventRecord) => void;

interface DeliveryStats {
  delivered: number;
  failed: number;
}

/** The loss ledger of events: made = appended + duplicates + pending + dropped. */
export interface PublisherStats {
  made: number;
  appended: number;
  /** Events whose id the log already held. */
  duplicates: number;
  pending: number;
  dropped: { queue_full: number; append_failed: number; closed: number };
  handlers: DeliveryStats;
  sinks: Record<string, DeliveryStats>;
}

/**
 * Takes events on the caller's thread for the price of an array push; once per turn of the event loop
 * encodes what came, appends it to the log as one batch and only then shows it to the sinks.
 * So what anybody has seen is in the log.
 */
export class EventPublisher {
  readonly log: EventLog;
  readonly #source: string | undefined;
  readonly #maxPending: number;
  readonly #schedule: (drain: () => void) => void;
  readonly #onError: (error: unknown, where: string) => void;
  readonly #sinks = new Map<EventSink, DeliveryStats>();
  readonly #handlers = new Set<{ onEvent: EventHandler }>();
  readonly #handlerStats: DeliveryStats = { delivered: 0, failed: 0 };
  readonly #dropped = { queue_full: 0, append_failed: 0, closed: 0 };
  #pending: OrchestratorEvent[] = [];
  #scheduled = false;
  /** The batch that an asynchronous log is appending; the next one waits for it. */
  #inFlight: { size: number; done: Promise<void> } | undefined;
  #dispatching = false;
  #made = 0;
  #appended = 0;
  #duplicates = 0;
  #shutdown: Promise<void> | undefined;

  constructor(options: EventPublisherOptions) {
    const maxPending = options.maxPending ?? 10_000;
    if (!Number.isInteger(maxPending) || maxPending < 1) {
      throw invalidArgument("maxPending", "a whole number from 1", maxPending);
    }
    this.log = options.log;
    this.#source = options.source;
    this.#maxPending = maxPending;
    this.#schedule = options.schedule ?? setImmediate;
    this.#onError = options.onError ?? (() => {});
    for (const sink of options.sinks ?? []) this.addSink(sink);
  }

  /**
   * Never waits. An empty `id` is filled in when the event is appended.
   * @throws INVALID_ARGUMENT for a type that is not in the table of events
   */
  publish(event: OrchestratorEvent): void {
    requireEventType(event);
    this.#made++;
    if (this.#shutdown !== undefined) this.#dropped.closed++;
    else if (this.#isFullFor(event)) this.#dropped.queue_full++;
    else this.#enqueue(event);
  }

  /** Shows every record from now on to `handler`, in process, until the returned function is called. */
  on(handler: EventHandler): () => void {
    if (typeof handler !== "function") throw invalidArgument("handler", "a function", handler);
    const subscription = { onEvent: handler };
    this.#handlers.add(subscription);
    return () => void this.#handlers.delete(subscription);
  }

  /** Returns a function that takes the sink out again, without shutting it down. */
  addSink(sink: EventSink): () => void {
    for (const { name } of this.#sinks.keys()) {
      if (name === sink.name) throw invalidArgument("sink.name", "unique", name);
    }
    this.#sinks.set(sink, { delivered: 0, failed: 0 });
    return () => void this.#sinks.delete(sink);
  }

  stats(): PublisherStats {
    const sinks: PublisherStats["sinks"] = {};
    for (const [sink, stats] of this.#sinks) sinks[sink.name] = { ...stats };
    return {
      made: this.#made,
      appended: this.#appended,
      duplicates: this.#duplicates,
      pending: this.#pending.length + (this.#inFlight?.size ?? 0),
      dropped: { ...this.#dropped },
      handlers: { ...this.#handlerStats },
      sinks,
    };
  }

  /**
   * A barrier: what was published before is in the log, and has left every sink that can flush.
   * @throws what the log's `flush` threw
   */
  async flush(): Promise<void> {
    await this.#drain();
    try {
      await this.log.flush();
    } finally {
      await this.#eachSink((sink) => sink.forceFlush());
    }
  }

  /** Flushes, then shuts the sinks down and closes the log. Idempotent; never rejects. */
  shutdown(): Promise<void> {
    // In the next microtask, so that a sink which calls back finds the shutdown begun.
    this.#shutdown ??= Promise.resolve().then(() => this.#close());
    return this.#shutdown;
  }

  async #close(): Promise<void> {
    await this.#attempt("log", () => this.flush());
    await this.#eachSink((sink) => sink.shutdown());
    await this.#attempt("log", () => this.log.close());
  }

  async #eachSink(action: (sink: EventSink) => Promise<void>): Promise<void> {
    const sinks = [...this.#sinks.keys()];
    await Promise.all(sinks.map((sink) => this.#attempt(sink.name, () => action(sink))));
  }

  async #attempt(where: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#report(error, where);
    }
  }

  #isFullFor(event: OrchestratorEvent): boolean {
    if (this.#pending.length < this.#maxPending) return false;
    const opensOrEnds = isJobEvent(event) && event.type !== "orchestra.job.progress";
    return !opensOrEnds || this.#pending.length >= this.#maxPending * 2;
  }

  #enqueue(event: OrchestratorEvent): void {
    this.#pending.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => void this.#drain());
  }

  /** One batch after another, so that the order of publishing is the order of the log. */
  #drain(): MaybePromise<void> {
    this.#scheduled = false;
    if (this.#inFlight !== undefined) return this.#inFlight.done.then(() => this.#drain());
    // A sink that flushes: the others must first see the end of the batch it was called for.
    if (this.#dispatching) return Promise.resolve().then(() => this.#drain());
    const batch = this.#takeBatch();
    if (batch.length > 0) return this.#append(batch);
  }

  #append(batch: readonly UnplacedEvent[]): MaybePromise<void> {
    try {
      const cursors = this.log.append(batch);
      if (!(cursors instanceof Promise)) return this.#dispatch(batch, cursors);
      const done = cursors
        .then((placed) => this.#dispatch(batch, placed))
        .catch((error: unknown) => this.#lose(batch.length, error));
      this.#inFlight = { size: batch.length, done };
      return done;
    } catch (error) {
      this.#lose(batch.length, error);
    }
  }

  #takeBatch(): UnplacedEvent[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending.flatMap((event) => this.#encode(event) ?? []);
  }

  /** Undefined, and counted, for an event whose own fields cannot be read. */
  #encode(event: OrchestratorEvent): UnplacedEvent | undefined {
    try {
      return encodeEvent({
        ...event,
        id: typeof event.id === "string" && event.id !== "" ? event.id : createEventId(event.timestamp),
        source: event.source ?? this.#source,
      });
    } catch (error) {
      this.#lose(1, error);
      return undefined;
    }
  }

  #lose(events: number, error: unknown): void {
    this.#inFlight = undefined;
    this.#dropped.append_failed += events;
    this.#report(error, "log");
  }

  /** @throws INTERNAL, before anything is shown, when the log did not answer for each event */
  #dispatch(batch: readonly UnplacedEvent[], cursors: readonly (Cursor | undefined)[]): void {
    if (cursors?.length !== batch.length) {
      throw new OrchestraError("INTERNAL", "The event log did not return a cursor for each event");
    }
    this.#inFlight = undefined;
    this.#dispatching = true;
    batch.forEach(({ event, json }, index) => {
      const cursor = cursors[index];
      if (cursor === undefined) this.#duplicates++;
      else this.#show({ cursor, event, json });
    });
    this.#dispatching = false;
  }

  #show(record: EventRecord): void {
    this.#appended++;
    for (const [sink, stats] of this.#sinks) this.#deliver(sink, record, stats, sink.name);
    // A copy, or a handler that subscribes another for each event would never come to an end.
    for (const handler of [...this.#handlers]) {
      if (this.#handlers.has(handler)) this.#deliver(handler, record, this.#handlerStats, "handler");
    }
  }

  #deliver(
    receiver: { onEvent: EventHandler },
    record: EventRecord,
    stats: DeliveryStats,
    where: string,
  ): void {
    try {
      const returned: unknown = receiver.onEvent(record);
      if (returned instanceof Promise) {
        returned.then(() => stats.delivered++).catch((error: unknown) => this.#fail(stats, error, where));
      } else {
        stats.delivered++;
      }
    } catch (error) {
      this.#fail(stats, error, where);
    }
  }

  #fail(stats: DeliveryStats, error: unknown, where: string): void {
    stats.failed++;
    this.#report(error, where);
  }

  #report(error: unknown, where: string): void {
    try {
      this.#onError(error, where);
    } catch {
      // The host's own error hook failing must not stop the other sinks.
    }
  }
}
