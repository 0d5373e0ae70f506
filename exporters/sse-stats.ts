/** Why a client was cut off or not let in; it may come back and replay. */
export type SseDropReason =
  /** Its queue was full, and more came than may be queued. */
  | "slow_bytes"
  /** Its queue did not empty in time. */
  | "slow_time"
  /** The log could not be read for it. */
  | "log_failed"
  /** Its connection threw. */
  | "write_failed"
  /** As many clients as allowed were connected, or the feed was closing. */
  | "refused"
  /** It was still connected when shutdown ran out of time. */
  | "shutdown_deadline";

export interface SseStats {
  /** Connected now. */
  clients: number;
  /** Events sent, counted per client. */
  delivered: number;
  dropped: Record<SseDropReason, number>;
  /** Times a client was told that it cannot go on where it left off. */
  resyncs: number;
  /** All bytes sent, heartbeats included. */
  bytes: number;
}

/** What the clients of one hub count together. */
export type SseCounters = Omit<SseStats, "clients">;

export function createSseCounters(): SseCounters {
  return {
    delivered: 0,
    dropped: {
      slow_bytes: 0,
      slow_time: 0,
      log_failed: 0,
      write_failed: 0,
      refused: 0,
      shutdown_deadline: 0,
    },
    resyncs: 0,
    bytes: 0,
  };
}
