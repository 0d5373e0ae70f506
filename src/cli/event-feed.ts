import { setTimeout as delay } from "node:timers/promises";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { OrchestraError } from "../errors.ts";
import type { BridgeTarget } from "./discovery.ts";
import { FrameLimit } from "./frame-limit.ts";
import { fetchFailure, refusalOf } from "./http-failure.ts";

/** A connection that was made, or why it ended or could not be made. */
export interface FeedConnection {
  url: string;
  lost?: string;
}

export interface EventFeedOptions {
  /** Asked before each connection, as a bridge may come back elsewhere. */
  target: () => Pick<BridgeTarget, "url" | "token">;
  /** The filter and where to begin, as parameters of the URL. Ids that were seen win over the latter. */
  query: URLSearchParams;
  /** Ends the feed, without an error. */
  signal: AbortSignal;
  onConnection: (connection: FeedConnection) => void;
  /** Told of a message that is too long to be read; the feed goes on after it. */
  onSkipped?: (() => void) | undefined;
  /** From 0 up to 1; spreads reconnects. Default: `Math.random`. */
  random?: (() => number) | undefined;
}

/** First and longest pause before a reconnect, in milliseconds. */
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
/** A bridge sends a heartbeat every 15 s; a connection that is silent this long is dead. */
const MAX_SILENCE_MS = 45_000;
/** Characters of the longest frame that is read. */
const MAX_FRAME_LENGTH = 16 * 1024 * 1024;

/**
 * Reads a bridge's live feed until the signal is aborted. It reconnects by itself, after a jittered and
 * growing pause, and resumes after the last id it saw.
 * @throws UNAUTHORIZED, BAD_REQUEST when the bridge refuses and trying again would not help
 */
export async function* readEventFeed(options: EventFeedOptions): AsyncGenerator<EventSourceMessage> {
  const { signal, onConnection, onSkipped = () => {}, random = Math.random } = options;
  const position: FeedPosition = { lastEventId: undefined, retryMs: MIN_RETRY_MS, onSkipped };
  for (let failures = 0; !signal.aborted; failures++) {
    const { url, token } = options.target();
    const silence = new AbortController();
    const watchdog = setTimeout(() => silence.abort(), MAX_SILENCE_MS);
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const body = await connect(feedUrl(url, options.query), token, position.lastEventId, either);
      onConnection({ url });
      for await (const message of messagesOf(body, position, () => watchdog.refresh())) {
        // Not before: a bridge that accepts and fails would be asked several times a second, for ever.
        failures = 0;
        yield message;
      }
      onConnection({ url, lost: "the bridge ended the connection" });
    } catch (error) {
      if (error instanceof OrchestraError) throw error;
      if (!signal.aborted) onConnection({ url, lost: fetchFailure(error) });
    } finally {
      clearTimeout(watchdog);
      silence.abort();
    }
    const pauseMs = Math.min(MAX_RETRY_MS, position.retryMs * 2 ** Math.min(failures, 10));
    await delay(pauseMs * (0.5 + random() / 2), undefined, { signal }).catch(() => {});
  }
}

interface FeedPosition {
  lastEventId: string | undefined;
  retryMs: number;
  readonly onSkipped: () => void;
}

function feedUrl(url: string, query: URLSearchParams): string {
  return query.size === 0 ? `${url}/v1/events` : `${url}/v1/events?${query}`;
}

async function connect(
  url: string,
  token: string | undefined,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers = new Headers({ accept: "text/event-stream" });
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  if (lastEventId !== undefined) headers.set("last-event-id", lastEventId);
  const response = await fetch(url, { headers, signal });
  if (response.ok && response.body !== null) return response.body;
  const { message } = await refusalOf(response);
  if (response.status >= 500 || response.status === 429) throw new Error(message);
  const code = response.status === 401 ? "UNAUTHORIZED" : "BAD_REQUEST";
  throw new OrchestraError(code, `${url} answered ${message}`);
}

async function* messagesOf(
  body: ReadableStream<Uint8Array>,
  position: FeedPosition,
  onChunk: () => void,
): AsyncGenerator<EventSourceMessage> {
  let messages: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onId: (id) => {
      position.lastEventId = id;
    },
    onRetry: (retryMs) => {
      position.retryMs = Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, retryMs));
    },
  });
  const frames = new FrameLimit(parser, {
    maxLength: MAX_FRAME_LENGTH,
    onSkipped: (id) => {
      // Else the bridge would send it again after each reconnect.
      position.lastEventId = id ?? position.lastEventId;
      position.onSkipped();
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    onChunk();
    frames.feed(decoder.decode(chunk, { stream: true }));
    yield* messages;
    messages = [];
  }
}
