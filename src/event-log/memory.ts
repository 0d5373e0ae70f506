import { invalidArgument, OrchestraError } from "../errors.ts";
import { formatCursor, parseCursor } from "../event/cursor.ts";
import { compileFilter } from "../event/event-filter.ts";
import {
  type Cursor,
  DEFAULT_READ_LIMIT,
  type EventLog,
  type EventLogBounds,
  type EventPage,
  type EventRecord,
  type GapReason,
  type ReadOptions,
  type UnplacedEvent,
} from "../event/event-log.ts";

export interface MemoryEventLogOptions {
  /** Records kept; the oldest go first. Default: 10,000. */
  capacity?: number;
  /** JSON kept, in UTF-16 code units; the oldest records go first. Default: 64 Mi. */
  maxLength?: number;
  /** Names this log's history. Default: random, so that a restart is never mistaken for it. */
  epoch?: string;
}

/** A bounded ring: fast, and gone with the process. */
export function createMemoryEventLog(options: MemoryEventLogOptions = {}): EventLog {
  return new MemoryEventLog(options);
}

class MemoryEventLog implements EventLog {
  readonly #capacity: number;
  readonly #maxLength: number;
  readonly #epoch: string;
  /** The record with sequence number n lies in slot (n - 1) % capacity. */
  readonly #ring: (EventRecord | undefined)[] = [];
  readonly #ids = new Set<string>();
  /** Sequence numbers of the oldest record held and of the last one appended. */
  #oldest = 1;
  #latest = 0;
  #length = 0;
  #closed = false;

  constructor(options: MemoryEventLogOptions) {
    const capacity = options.capacity ?? 10_000;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw invalidArgument("capacity", "a whole number from 1", capacity);
    }
    this.#capacity = capacity;
    const maxLength = options.maxLength ?? 64 * 1024 * 1024;
    if (!(maxLength > 0)) throw invalidArgument("maxLength", "a number above 0", maxLength);
    const epoch = options.epoch ?? crypto.randomUUID().slice(0, 8);
    if (parseCursor(formatCursor(epoch, 0)) === undefined) {
      throw invalidArgument("epoch", "1 to 40 letters and digits", epoch);
    }
    this.#maxLength = maxLength;
    this.#epoch = epoch;
  }

  append(batch: readonly UnplacedEvent[]): (Cursor | undefined)[] {
    if (this.#closed) throw new OrchestraError("CLOSED", "The event log is closed");
    return batch.map((unplaced) => this.#place(unplaced));
  }

  read(options: ReadOptions = {}): EventPage {
    const { after, limit = DEFAULT_READ_LIMIT } = options;
    const matches = compileFilter(options.filter);
    const oldest = this.#oldest - 1;
    const start = after === undefined ? { sequence: oldest } : this.#resolve(after, oldest);
    const records: EventRecord[] = [];
    let sequence = start.sequence;
    while (sequence < this.#latest && records.length < limit) {
      const record = this.#at(++sequence);
      if (matches(record.event)) records.push(record);
    }
    return { records, next: formatCursor(this.#epoch, sequence), gap: start.gap };
  }

  bounds(): EventLogBounds {
    const oldest = this.#oldest > this.#latest ? undefined : this.#at(this.#oldest).cursor;
    return { oldest, latest: formatCursor(this.#epoch, this.#latest) };
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  #place({ event, json }: UnplacedEvent): Cursor | undefined {
    if (this.#ids.has(event.id)) return undefined;
    const cursor = formatCursor(this.#epoch, ++this.#latest);
    if (this.#latest - this.#oldest >= this.#capacity) this.#evictOldest();
    this.#ring[this.#slot(this.#latest)] = { cursor, event, json };
    this.#ids.add(event.id);
    this.#length += json.length;
    // The newest record stays even when it alone is over the limit: its cursor was promised.
    while (this.#length > this.#maxLength && this.#oldest < this.#latest) this.#evictOldest();
    return cursor;
  }

  #evictOldest(): void {
    const { event, json } = this.#at(this.#oldest);
    this.#ids.delete(event.id);
    this.#length -= json.length;
    this.#ring[this.#slot(this.#oldest++)] = undefined;
  }

  #at(sequence: number): EventRecord {
    return this.#ring[this.#slot(sequence)] as EventRecord;
  }

  #slot(sequence: number): number {
    return (sequence - 1) % this.#capacity;
  }

  /** Where reading goes on after `cursor`, or from the oldest record and why. */
  #resolve(cursor: Cursor, oldest: number): { sequence: number; gap?: GapReason } {
    const parsed = parseCursor(cursor);
    if (parsed === undefined) return { sequence: oldest, gap: "malformed" };
    if (parsed.epoch !== this.#epoch) return { sequence: oldest, gap: "epoch" };
    if (parsed.sequence > this.#latest) return { sequence: oldest, gap: "future" };
    if (parsed.sequence < oldest) return { sequence: oldest, gap: "evicted" };
    return { sequence: parsed.sequence };
  }
}
