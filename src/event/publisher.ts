import { invalidArgument } from "../errors.ts";
import { isEventType, type OrchestratorEvent } from "./event.ts";
import { createEventId } from "./event-id.ts";
import { encodeJson } from "./event-json.ts";
import type { Cursor, EventLog, EventRecord, MaybePromise, UnplacedEvent } from "./event-log.ts";
import type { EventSink } from "./event-sink.ts";

export interface EventPublisherOptions {
  log: EventLog;
  sinks?: readonly EventSink[];
  /** `service.instance.id` put on events that carry no source of their own. */
  source?: string;
  /**
   * Events that may wait to be appended. Progress beyond it is dropped and counted; what opens or ends
   * a job has as much room again. Default: 10,000.
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
    const type: unknown = event?.type;
    if (!isEventType(type)) throw invalidArgument("type", "an event type", type);
    this.#made++;
    const room = event.type === "orchestra.job.progress" ? this.#maxPending : this.#maxPending * 2;
    if (this.#shutdown !== undefined) this.#dropped.closed++;
    else if (this.#pending.length >= room) this.#dropped.queue_full++;
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

  /** A barrier: what was published before is in the log, and has left every sink that can flush. */
  async flush(): Promise<void> {
    await this.#drain();
    await this.log.flush();
    await Promise.allSettled([...this.#sinks.keys()].map((sink) => sink.forceFlush()));
  }

  /** Flushes, then shuts the sinks down and closes the log. Idempotent. */
  shutdown(): Promise<void> {
    this.#shutdown ??= (async () => {
      await this.flush();
      await Promise.allSettled([...this.#sinks.keys()].map((sink) => sink.shutdown()));
      await this.log.close();
    })();
    return this.#shutdown;
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
    if (this.#pending.length === 0) return;
    const batch = this.#pending.map((event) => this.#encode(event));
    this.#pending = [];
    try {
      const cursors = this.log.append(batch);
      if (!(cursors instanceof Promise)) return this.#dispatch(batch, cursors);
      const done = cursors.then(
        (placed) => this.#land(() => this.#dispatch(batch, placed)),
        (error: unknown) => this.#land(() => this.#lose(batch, error)),
      );
      this.#inFlight = { size: batch.length, done };
      return done;
    } catch (error) {
      this.#lose(batch, error);
    }
  }

  #land(settle: () => void): void {
    this.#inFlight = undefined;
    settle();
  }

  #encode(event: OrchestratorEvent): UnplacedEvent {
    const stamped = {
      ...event,
      id: event.id || createEventId(event.timestamp),
      source: event.source ?? this.#source,
    };
    return { event: stamped, json: encodeJson(stamped) };
  }

  #lose(batch: readonly UnplacedEvent[], error: unknown): void {
    this.#dropped.append_failed += batch.length;
    this.#report(error, "log");
  }

  #dispatch(batch: readonly UnplacedEvent[], cursors: readonly (Cursor | undefined)[]): void {
    batch.forEach(({ event, json }, index) => {
      const cursor = cursors[index];
      if (cursor === undefined) {
        this.#duplicates++;
        return;
      }
      this.#appended++;
      const record: EventRecord = { cursor, event, json };
      for (const [sink, stats] of this.#sinks) this.#deliver(sink, record, stats, sink.name);
      for (const handler of this.#handlers) this.#deliver(handler, record, this.#handlerStats, "handler");
    });
  }

  #deliver(
    receiver: { onEvent: EventHandler },
    record: EventRecord,
    stats: DeliveryStats,
    where: string,
  ): void {
    try {
      receiver.onEvent(record);
      stats.delivered++;
    } catch (error) {
      stats.failed++;
      this.#report(error, where);
    }
  }

  #report(error: unknown, where: string): void {
    try {
      this.#onError(error, where);
    } catch {
      // The host's own error hook failing must not stop the other sinks.
    }
  }
}
