import { compileFilter, type EventFilter, type EventPredicate } from "../src/event/event-filter.ts";
import type { SseClient } from "./sse-client.ts";
import type { FramedRecord } from "./sse-window.ts";

/** All clients with the same filter: it is compiled once and sees each event once. */
export interface SseAudience {
  readonly signature: string;
  readonly filter: EventFilter;
  readonly matches: EventPredicate;
  readonly clients: Set<SseClient>;
  /** What matched since the last flush. */
  pending: FramedRecord[];
}

/** The clients of a hub by what they want to see. */
export class SseAudiences implements Iterable<SseAudience> {
  readonly #audiences = new Map<string, SseAudience>();

  /** @throws INVALID_ARGUMENT when the filter names an unknown type */
  of(filter: EventFilter): SseAudience {
    const signature = signatureOf(filter);
    return (
      this.#audiences.get(signature) ?? {
        signature,
        filter,
        matches: compileFilter(filter),
        clients: new Set(),
        pending: [],
      }
    );
  }

  add(client: SseClient): void {
    client.audience.clients.add(client);
    this.#audiences.set(client.audience.signature, client.audience);
  }

  remove(client: SseClient): void {
    const { clients, signature } = client.audience;
    clients.delete(client);
    if (clients.size === 0) this.#audiences.delete(signature);
  }

  [Symbol.iterator](): Iterator<SseAudience> {
    return this.#audiences.values();
  }
}

/** Equal for filters that let the same events through, in whatever order they list them. */
function signatureOf({ types, workerIds, sessionIds, jobIds }: EventFilter): string {
  return JSON.stringify([types, workerIds, sessionIds, jobIds].map((list) => [...new Set(list)].sort()));
}
