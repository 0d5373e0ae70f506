import { invalidArgument } from "../errors.ts";
import { type OrchestratorEvent, requireEventType } from "./event.ts";
import type { EventRecord } from "./event-log.ts";
import type { EventHandler } from "./publisher.ts";

/** What the shared feed is made of: a telemetry, or an `EventPublisher`. */
export interface EventFeed {
  publish(event: OrchestratorEvent): void;
  on(handler: EventHandler): () => void;
}

export type OrchestratorEventHandler = (event: OrchestratorEvent, record: EventRecord) => void;

/** Events that wait for the first publisher; beyond it the oldest are dropped and counted. */
const MAX_WAITING = 1_000;

interface Entry {
  handler: OrchestratorEventHandler;
  off: () => void;
}

/** The shared feed of a process. Its shape may not change under the same symbol. */
interface SharedFeed {
  readonly handlers: Map<object, Entry>;
  waiting: OrchestratorEvent[];
  dropped: number;
  /** The first has the seat; the others wait for it. */
  readonly candidates: EventFeed[];
}

/** A plugin may bring another copy of this code than the program that it is loaded into. */
const SHARED = Symbol.for("orchestra-otel.shared-feed.1");
const scope = globalThis as { [SHARED]?: SharedFeed };
scope[SHARED] ??= { handlers: new Map(), waiting: [], dropped: 0, candidates: [] };
const shared = scope[SHARED];
const { handlers, candidates } = shared;

/**
 * Publishes to the process's shared feed: that of the first running telemetry. Until there is one, the
 * last 1,000 events wait for it.
 * @throws INVALID_ARGUMENT for a type that is not in the table of events
 */
export function publishOrchestratorEvent(event: OrchestratorEvent): void {
  const [seated] = candidates;
  if (seated !== undefined) {
    seated.publish(event);
    return;
  }
  requireEventType(event);
  shared.waiting.push(event);
  if (shared.waiting.length <= MAX_WAITING) return;
  shared.waiting.shift();
  shared.dropped++;
}

/**
 * Calls `handler` with every event of the process's shared feed, once it is in the log. It stays
 * subscribed across telemetry restarts, until the returned function is called.
 */
export function onOrchestratorEvent(handler: OrchestratorEventHandler): () => void {
  if (typeof handler !== "function") throw invalidArgument("handler", "a function", handler);
  const key = {};
  const entry: Entry = { handler, off: () => {} };
  handlers.set(key, entry);
  const [seated] = candidates;
  if (seated !== undefined) attach(seated, entry);
  return () => {
    handlers.delete(key);
    entry.off();
  };
}

/**
 * Makes `feed` the process's shared one, at once or when all that came before it have left: two
 * telemetries in one process do not meet. Returns what gives the seat, or the wait for it, up.
 */
export function takeSharedSeat(feed: EventFeed): () => void {
  candidates.push(feed);
  if (candidates.length === 1) seat(feed);
  return () => {
    const place = candidates.indexOf(feed);
    if (place === -1) return;
    candidates.splice(place, 1);
    if (place > 0) return;
    for (const entry of handlers.values()) entry.off();
    const [next] = candidates;
    if (next !== undefined) seat(next);
  };
}

function seat(feed: EventFeed): void {
  for (const entry of handlers.values()) attach(feed, entry);
  const early = shared.waiting;
  shared.waiting = [];
  for (const event of early) feed.publish(event);
}

/** Events dropped because no telemetry was running and too many waited. */
export function droppedBeforeStart(): number {
  return shared.dropped;
}

function attach(feed: EventFeed, entry: Entry): void {
  entry.off = feed.on((record) => entry.handler(record.event, record));
}
