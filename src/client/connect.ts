import { type Connection, type ConnectionHandlers, FeedConnection } from "./connection.ts";
import { FeedReader } from "./feed.ts";
import type { FeedOptions } from "./feed-options.ts";

export interface ConnectOptions extends FeedOptions, ConnectionHandlers {}

/**
 * Follows a bridge's feed until it is closed: it connects again by itself, goes on where it was, tells of
 * every gap, and delivers no event twice.
 */
export function connect(options: ConnectOptions): Connection {
  const withSnapshots = options.onSnapshot !== undefined;
  return new FeedConnection(options, (signal) =>
    new FeedReader({ ...options, withSnapshots, signal }).items(),
  );
}
