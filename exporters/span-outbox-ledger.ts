import type { Amount } from "./span-outbox-tables.ts";

/** Spans that were on disk, by what became of them. */
interface StoredDrops {
  /** The oldest, dropped to keep within `maxBytes`. */
  over_limit: number;
  /** The receiver will never take them; they are kept as dead letters, within `maxDeadLetterBytes`. */
  rejected: number;
  /** The receiver took the request without them. */
  partial_rejected: number;
  /**
   * Not on disk any more: another process took them over and sends them, as this one had hung for long,
   * or somebody else removed them.
   */
  vanished: number;
}

interface Drops extends StoredDrops {
  /** The oldest in memory, dropped as the disk took no more. */
  disk_error: number;
  /** No span that OTLP can express. */
  invalid: number;
  /** Ended after the shutdown. */
  closed: number;
  /** Not delivered when the outbox was shut down, and kept by nothing but the process's memory. */
  shutdown: number;
}

/**
 * The loss ledger of spans: ended = exported + pending + the sum of dropped, and for those that earlier
 * processes had left, inherited.found likewise. Spans that are not sampled are in none.
 */
export interface SpanOutboxStats {
  ended: number;
  /** Taken by the receiver. */
  exported: number;
  /** In memory, on disk or on their way; after the shutdown, what the next process will find. */
  pending: number;
  dropped: Drops;
  inherited: { found: number; exported: number; pending: number; dropped: StoredDrops };
  /** On disk and not yet delivered, everybody's. */
  bytes: number;
  /** Since the oldest span on disk that is ours to deliver was written; undefined when there is none. */
  oldestAgeMs: number | undefined;
  deadLetters: Amount;
  /** What a request or the disk last failed with. */
  lastError: string | undefined;
  /** Requests made. */
  attempts: number;
  /** When the next request is made, in milliseconds since the epoch; undefined unless the last one failed. */
  nextAttemptAt: number | undefined;
}

/** What became of the spans of one origin: this process, or earlier ones. */
export class Account {
  exported = 0;
  readonly dropped: StoredDrops = { over_limit: 0, rejected: 0, partial_rejected: 0, vanished: 0 };

  /** Enters an accepted request; returns nothing, as no receiver can reject more than it got. */
  accept(spans: number, rejected: number): void {
    const refused = Math.min(spans, rejected);
    this.dropped.partial_rejected += refused;
    this.exported += spans - refused;
  }
}

/** Tells of what fails once, and again only after it had worked in between. */
export class Outage {
  readonly #tell: (reason: string) => void;
  #isOn = false;

  constructor(tell: (reason: string) => void) {
    this.#tell = tell;
  }

  begin(reason: string): void {
    if (this.#isOn) return;
    this.#isOn = true;
    try {
      this.#tell(reason);
    } catch {
      // Whoever is told may fail; the spans go on.
    }
  }

  end(): void {
    this.#isOn = false;
  }
}
