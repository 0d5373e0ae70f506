import type { UnplacedEvent } from "../event/event-log.ts";
import type { NewEvent } from "./sqlite-events.ts";

export interface PlacedEvent extends UnplacedEvent {
  readonly sequence: number;
}

/** JSON kept, in UTF-16 code units, whatever the number of events. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** The events that wait for a file that cannot be written; the oldest go first. */
export class Overflow {
  readonly #capacity: number;
  readonly #events = new Map<string, PlacedEvent>();
  #latest: number;
  #length = 0;
  /** Events that were let go. */
  lost = 0;

  /** `after` is the last sequence before the first event. */
  constructor(after: number, capacity: number) {
    this.#latest = after;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#events.size;
  }

  /** The last sequence given away. */
  get latest(): number {
    return this.#latest;
  }

  get oldest(): PlacedEvent | undefined {
    return this.#events.values().next().value;
  }

  holds(id: string): boolean {
    return this.#events.has(id);
  }

  add(event: UnplacedEvent): number {
    const placed = { ...event, sequence: ++this.#latest };
    this.#events.set(event.event.id, placed);
    this.#length += event.json.length;
    while (this.size > this.#capacity || (this.#length > MAX_LENGTH && this.size > 1)) {
      this.remove(this.first(1));
      this.lost++;
    }
    return placed.sequence;
  }

  /** Gives each event another place, behind one sequence. */
  moveBehind(after: number): void {
    this.#latest = after;
    for (const [id, event] of this.#events) this.#events.set(id, { ...event, sequence: ++this.#latest });
  }

  /** The oldest. */
  first(limit: number): PlacedEvent[] {
    const events: PlacedEvent[] = [];
    for (const event of this.#events.values()) {
      if (events.length === limit) break;
      events.push(event);
    }
    return events;
  }

  after(sequence: number): PlacedEvent[] {
    return [...this.#events.values()].filter((event) => event.sequence > sequence);
  }

  remove(events: readonly NewEvent[]): void {
    for (const { event, json } of events) {
      this.#events.delete(event.id);
      this.#length -= json.length;
    }
  }
}
