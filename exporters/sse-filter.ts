import { compileFilter, type EventFilter, type EventPredicate } from "../src/event/event-filter.ts";

/** What a client wants to see. */
export interface SseFilter {
  /** Equal for filters that let the same events through, in whatever order they list them. */
  readonly signature: string;
  readonly filter: EventFilter;
  readonly matches: EventPredicate;
}

/** @throws INVALID_ARGUMENT when the filter names an unknown type */
export function createSseFilter(filter: EventFilter, signature: string): SseFilter {
  return { signature, filter, matches: compileFilter(filter) };
}

export function signatureOf({ types, workerIds, sessionIds, jobIds }: EventFilter): string {
  return JSON.stringify([types, workerIds, sessionIds, jobIds].map((list) => [...new Set(list)].sort()));
}
