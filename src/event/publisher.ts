import { invalidArgument, OrchestraError } from "../errors.ts";
import { isJobEvent, type OrchestratorEvent, requireEventType } from "./event.ts";
import { createEventId } from "./event-id.ts";
import { encodeEvent } from "./event-json.ts";
import type { Cursor, EventLog, EventRecord, MaybePromise, UnplacedEvent } from "./event-log.ts";
import { EventOutcomes, type OutcomeHandler } from "./event-outcome.ts";
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

/** What a log answers to a batch. */
type Cursors = readonly (Cursor | undefined)[];

type DropReason = keyof PublisherStats["dropped"];

/** Whatever waits for it goes on when the call stack at hand is done. */
const THIS_TURN = Promise.resolve();

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
  /** Events that others appended to the log and that were shown here, too. */
  foreign: number;
  pending: number;
  dropped: { queue_full: number; append_failed: number; not_encodable: number; closed: number };
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
  readonly #dropped = { queue_full: 0, append_failed: 0, not_encodable: 0, closed: 0 };
  readonly #outcomes = new EventOutcomes((error) => this.#report(error, "outcome"));
  #pending: OrchestratorEvent[] = [];
  #scheduled = false;
  /** Events of the batch at hand that are neither in the log nor given up on. */
  #unplaced = 0;
  /** Until the batch at hand has been appended and shown; the next one waits for it. */
  #busy: Promise<void> | undefined;
  /** The drain after this one. All who ask meanwhile share it. */
  #next: Promise<void> | undefined;
  #made = 0;
  #appended = 0;
  #duplicates = 0;
  #foreign = 0;
  readonly #unwatch: () => void;
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
    this.#unwatch = this.log.watch?.((records) => this.#showForeign(records)) ?? (() => {});
  }

  /**
   * Never waits. The event is taken over and must not be changed any more: it is encoded, and an empty
   * `id` filled in, one turn of the event loop later. `settled` is called once with what became of it: at
   * once when it is dropped, else when the log has answered and the sinks have seen it.
   * @throws INVALID_ARGUMENT for a type that is not in the table of events
   */
  publish(event: OrchestratorEvent, settled?: OutcomeHandler): void {
    requireEventType(event);
    this.#made++;
    if (settled !== undefined) this.#outcomes.expect(event, settled);
    if (this.#shutdown !== undefined) this.#drop("closed", event);
    else if (this.#isFullFor(event)) this.#drop("queue_full", event);
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
      foreign: this.#foreign,
      pending: this.#pending.length + this.#unplaced,
      dropped: { ...this.#dropped },
      handlers: { ...this.#handlerStats },
      sinks,
    };
  }

  /**
   * Appends what waits, before it returns unless the log takes its time. One batch after another, so that the
   * order of publishing is the order of the log. Never throws.
   */
  drain(): MaybePromise<void> {
    this.#scheduled = false;
    if (this.#busy !== undefined) return this.#drainAfter(this.#busy);
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    this.#unplaced = batch.length;
    this.#busy = THIS_TURN;
    const done = this.#append(batch.flatMap((event) => this.#encode(event) ?? []));
    this.#busy = done;
    return done;
  }

  /**
   * A barrier: what was published before is in the log, and has left every sink that can flush.
   * @throws what the log's `flush` threw
   */
  async flush(): Promise<void> {
    await this.drain();
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
    await this.#attempt("log", async () => this.#unwatch());
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
    this.#schedule(() => void this.drain());
  }

  #drainAfter(busy: Promise<void>): Promise<void> {
    this.#next ??= busy.then(() => {
      this.#next = undefined;
      return this.drain();
    });
    return this.#next;
  }

  #append(batch: readonly UnplacedEvent[]): Promise<void> | undefined {
    if (batch.length === 0) return undefined;
    try {
      const cursors = this.log.append(batch);
      if (cursors instanceof Promise) return this.#appendLater(batch, cursors);
      this.#dispatch(batch, cursors);
    } catch (error) {
      this.#lose("append_failed", batch, error, "log");
    }
    return undefined;
  }

  async #appendLater(batch: readonly UnplacedEvent[], cursors: Promise<Cursors>): Promise<void> {
    try {
      this.#dispatch(batch, await cursors);
    } catch (error) {
      this.#lose("append_failed", batch, error, "log");
    }
    this.#busy = undefined;
  }

  /** Undefined, and counted, for an event whose own fields cannot be read or make no event. */
  #encode(event: OrchestratorEvent): UnplacedEvent | undefined {
    try {
      const encoded = encodeEvent({
        ...event,
        id: typeof event.id === "string" && event.id !== "" ? event.id : createEventId(event.timestamp),
        source: event.source ?? this.#source,
      });
      this.#outcomes.rename(event, encoded.event);
      return encoded;
    } catch (error) {
      this.#lose("not_encodable", [{ event }], error, "encoder");
      return undefined;
    }
  }

  #lose(
    reason: DropReason,
    lost: readonly { event: OrchestratorEvent }[],
    error: unknown,
    where: string,
  ): void {
    this.#unplaced -= lost.length;
    for (const { event } of lost) this.#drop(reason, event);
    this.#report(error, where);
  }

  #drop(reason: DropReason, event: OrchestratorEvent): void {
    this.#dropped[reason]++;
    this.#outcomes.settle(event, reason);
  }

  /** @throws INTERNAL, before anything is shown, when the log did not answer for each event */
  #dispatch(batch: readonly UnplacedEvent[], cursors: Cursors): void {
    if (cursors?.length !== batch.length) {
      throw new OrchestraError("INTERNAL", "The event log did not return a cursor for each event");
    }
    batch.forEach(({ event, json }, index) => {
      const cursor = cursors[index];
      this.#unplaced--;
      if (cursor === undefined) {
        this.#duplicates++;
        this.#outcomes.settle(event, "duplicate");
      } else {
        this.#appended++;
        this.#show({ cursor, event, json });
        this.#outcomes.settle(event, "appended");
      }
    });
  }

  /** The log keeps their order with ours: it hands them over before `append` answers, or after. */
  #showForeign(records: readonly EventRecord[]): void {
    const busy = this.#busy;
    this.#busy ??= THIS_TURN;
    for (const record of records) {
      this.#foreign++;
      this.#show(record);
    }
    this.#busy = busy;
  }

  #show(record: EventRecord): void {
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
