import { compileFilter, type EventFilter } from "../src/event/event-filter.ts";
import type { SseClient, SseFilter } from "./sse-client.ts";
import type { FramedRecord } from "./sse-window.ts";

/** All clients with the same filter: it is compiled once and sees each event once. */
export interface SseAudience {
  readonly wants: SseFilter;
  readonly clients: Set<SseClient>;
  /** What matched since the last flush. */
  pending: FramedRecord[];
}

/** The clients of a hub by what they want to see. */
export class SseAudiences implements Iterable<SseAudience> {
  readonly #audiences = new Map<string, SseAudience>();

  /** The filter as clients that are there share it, or compiled. @throws INVALID_ARGUMENT */
  compile(filter: EventFilter): SseFilter {
    const signature = signatureOf(filter);
    const known = this.#audiences.get(signature)?.wants;
    return known ?? { signature, filter, matches: compileFilter(filter) };
  }

  add(client: SseClient): void {
    const { wants } = client;
    const audience = this.#audiences.get(wants.signature) ?? { wants, clients: new Set(), pending: [] };
    audience.clients.add(client);
    this.#audiences.set(wants.signature, audience);
  }

  remove(client: SseClient): void {
    const { signature } = client.wants;
    const audience = this.#audiences.get(signature);
    audience?.clients.delete(client);
    if (audience?.clients.size === 0) this.#audiences.delete(signature);
  }

  [Symbol.iterator](): Iterator<SseAudience> {
    return this.#audiences.values();
  }
}

function signatureOf({ types, workerIds, sessionIds, jobIds }: EventFilter): string {
  return JSON.stringify([types, workerIds, sessionIds, jobIds].map((list) => [...new Set(list)].sort()));
}
