import type { EventRecord } from "./event-log.ts";

/**
 * A projection of the log: logs, metrics, the live feed, or your own.
 * Implementations pass `test/conformance/event-sink.ts`.
 */
export interface EventSink {
  /** Names the sink in the loss ledger; unique within a publisher. */
  readonly name: string;
  /**
   * Called once per record, in log order, after the record was appended. Must not block: do slow work
   * later and bound what waits. A throw is counted against this sink and reaches nobody else.
   */
  onEvent(record: EventRecord): void;
  /** Resolves when what was received so far has left this sink, as far as it can. */
  forceFlush(): Promise<void>;
  /** Flushes and releases everything. Idempotent; `onEvent` afterwards is ignored. */
  shutdown(): Promise<void>;
}
