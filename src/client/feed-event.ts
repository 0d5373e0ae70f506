import type { OrchestratorEvent, OrchestratorEventType } from "../event/event.ts";

/** An event of a type that this version does not know: a newer bridge may send some. */
export interface UnknownEvent {
  version: number;
  id: string;
  type: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
  data: unknown;
}

/** What the feed delivers. `isEvent` tells what it is. */
export type FeedEvent = OrchestratorEvent | UnknownEvent;

/** Whether the event has one of `types`; its `data` is typed then. Its fields are not checked. */
export function isEvent<T extends OrchestratorEventType>(
  event: FeedEvent,
  ...types: readonly T[]
): event is OrchestratorEvent<T> {
  return (types as readonly string[]).includes(event.type);
}
