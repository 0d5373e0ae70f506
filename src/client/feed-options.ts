import type { EventFilter } from "../event/event-filter.ts";
import type { Cursor } from "../event/event-log.ts";
import type { Schedule } from "./schedule.ts";

/** What is read, and from where. */
export interface FeedOptions {
  /** The bridge, such as `http://127.0.0.1:4319`; in a page, empty means the page's own server. */
  url: string;
  /** Which events. Default: all. Snapshots are filtered by worker, session and job alike. */
  filters?: EventFilter | undefined;
  /** Sent as `Authorization: Bearer <token>`. */
  token?: string | undefined;
  /** Whether a page sends the session cookie: as of `fetch`. Default: to its own server only. */
  credentials?: "omit" | "same-origin" | "include" | undefined;
  /**
   * Where to begin: after a cursor, at the `oldest` event that the log holds, or `now`. Default: with a
   * snapshot when `onSnapshot` is given, else `now`.
   */
  from?: Cursor | undefined;
  /** Milliseconds without a byte after which a connection is given up. Default: 45,000. */
  silenceMs?: number | undefined;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** From 0 up to 1; spreads reconnects. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Sets a timer and returns what clears it. Default: by `setTimeout`. */
  schedule?: Schedule | undefined;
}
