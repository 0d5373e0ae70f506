import { SseHub, type SseHubOptions } from "./sse-hub.ts";

export type { SseConnection, SseDropReason, SseFilter } from "./sse-client.ts";
export { encodeFrame, RESYNC_EVENT, type SseFrame } from "./sse-frame.ts";
export type { SseConnectOptions, SseHub, SseHubOptions, SseStats } from "./sse-hub.ts";

/**
 * The live feed: sends each record to every client that wants it, encoded once, in one write per tick.
 * @throws INVALID_ARGUMENT when a limit is not a positive number
 */
export function createSseHub(options: SseHubOptions): SseHub {
  return new SseHub(options);
}
