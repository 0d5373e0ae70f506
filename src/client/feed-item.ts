import type { Cursor, GapReason } from "../event/event-log.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import type { FeedError } from "./feed-error.ts";
import type { FeedEvent } from "./feed-event.ts";

/** Events that cannot be had any more lie here: what is known by events alone may be out of date. */
export interface Gap {
  /**
   * `evicted`, `epoch`, `future` or `malformed`, as `docs/http.md` tells; `oversized`: an event was too
   * long to be read.
   */
  reason: GapReason | "oversized";
  /** Where the feed was to go on. */
  requested: Cursor | null;
  /** What the bridge's log holds; null when it is empty, or does not say. */
  oldest: Cursor | null;
  latest: Cursor | null;
}

/** All jobs that the bridge knows and the filters let through. */
export interface Snapshot {
  /** Newest first. */
  jobs: JobSnapshot[];
  /** As of where in the log; the events that follow are those after it. */
  cursor: Cursor;
}

export type ConnectionState =
  | { state: "connecting" }
  | { state: "open" }
  /** The connection was lost or could not be made; it will be tried again. */
  | { state: "waiting"; error: Error; retryInMs: number }
  /** With an error when the bridge refused for good, without when it was closed from here. */
  | { state: "closed"; error?: FeedError | undefined };

/** One thing that a feed tells, in order. `cursor` is the place after it, where another feed can go on. */
export type FeedItem =
  | { kind: "event"; event: FeedEvent; cursor: Cursor | undefined }
  /** Only the place has moved. */
  | { kind: "place"; cursor: Cursor | undefined }
  | { kind: "snapshot"; snapshot: Snapshot; cursor: Cursor }
  /** `cursor` is undefined when a snapshot follows. */
  | { kind: "gap"; gap: Gap; cursor: Cursor | undefined }
  /** A frame that is no event. */
  | { kind: "error"; error: Error; cursor: Cursor | undefined }
  | { kind: "state"; state: ConnectionState };
