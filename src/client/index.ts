export { type ConnectOptions, connect } from "./connect.ts";
export { connectShared, type SharedConnectOptions } from "./connect-shared.ts";
export type { Connection, ConnectionHandlers } from "./connection.ts";
export { FeedError } from "./feed-error.ts";
export { type FeedEvent, isEvent, type UnknownEvent } from "./feed-event.ts";
export type { ConnectionState, Gap, Snapshot } from "./feed-item.ts";
export type { FeedOptions } from "./feed-options.ts";
