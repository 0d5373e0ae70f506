import { SseHub } from "./sse-hub.ts";
import type { SseHubOptions } from "./sse-options.ts";

export type { SseConnection, SseDropReason, SseEndReason, SseFilter } from "./sse-client.ts";
export { encodeFrame, LATER_EVENT, RESYNC_EVENT, type SseFrame } from "./sse-frame.ts";
export type { SseConnectOptions, SseHub, SseStats } from "./sse-hub.ts";
export type { SseHubOptions } from "./sse-options.ts";

/**
 * The live feed: sends each record to every client that wants it, encoded once, in one write per tick,
 * or, under load, per some milliseconds.
 * @throws INVALID_ARGUMENT when a limit is not a positive number
 */
export function createSseHub(options: SseHubOptions): SseHub {
  return new SseHub(options);
}
