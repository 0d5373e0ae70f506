import type { FeedReaderOptions } from "./feed.ts";
import { FeedError } from "./feed-error.ts";
import type { FeedItem } from "./feed-item.ts";

/** What a page wants to read: all that can be sent to a worker. */
export type Subscription = Omit<FeedReaderOptions, "signal" | "fetch" | "random" | "schedule">;

export type PageMessage =
  | { kind: "open"; subscription: Subscription }
  /** So many items were taken since the last time. */
  | { kind: "taken"; count: number }
  | { kind: "close" };

/** Errors lose their class and their fields on the way. */
export interface SentError {
  message: string;
  status?: number | undefined;
  code?: string | undefined;
}

export type WorkerMessage =
  | { kind: "item"; item: FeedItem; error?: SentError | undefined }
  /** The bridge refused for good. */
  | { kind: "refused"; error: SentError };

/** Items sent to a page that it has not yet taken, at most. */
export const MAX_UNTAKEN = 1_000;

/** What both sides need of a `MessagePort`. */
export interface Port {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

export function sentItem(item: FeedItem): WorkerMessage {
  if (item.kind === "error") return { kind: "item", item, error: sentError(item.error) };
  if (item.kind === "state" && item.state.state === "waiting") {
    return { kind: "item", item, error: sentError(item.state.error) };
  }
  return { kind: "item", item };
}

export function receivedItem({ item, error }: Extract<WorkerMessage, { kind: "item" }>): FeedItem {
  if (error === undefined) return item;
  if (item.kind === "error") return { ...item, error: receivedError(error) };
  if (item.kind !== "state" || item.state.state !== "waiting") return item;
  return { ...item, state: { ...item.state, error: receivedError(error) } };
}

export function sentError(error: Error): SentError {
  const { message } = error;
  return error instanceof FeedError ? { message, status: error.status, code: error.code } : { message };
}

export function receivedError({ message, status, code }: SentError): Error {
  return status === undefined || code === undefined
    ? new Error(message)
    : new FeedError(message, { status, code });
}
