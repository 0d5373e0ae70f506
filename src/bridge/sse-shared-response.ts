import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { Socket } from "node:net";
import type { SseConnection } from "../../exporters/sse.ts";
import { EVENT_STREAM_HEADERS } from "./sse-response.ts";

/**
 * Whether a response has no connection for itself: one of HTTP/2, or of a pipeline before its turn. Under Bun
 * none has, as what stands for its socket takes nothing.
 */
export function isShared({ req, socket }: ServerResponse): boolean {
  return req.httpVersionMajor === 2 || !(socket instanceof Socket);
}

/** The same as `openEventStream` for a response that shares its connection with others. */
export function openSharedEventStream(response: ServerResponse): SseConnection {
  const { connection, ...headers } = EVENT_STREAM_HEADERS;
  const isHttp2 = response.req.httpVersionMajor === 2;
  response.removeHeader("transfer-encoding");
  response.writeHead(200, isHttp2 ? headers : EVENT_STREAM_HEADERS);
  response.flushHeaders();
  // The close that follows each error is what counts.
  response.on("error", () => {});
  return {
    get queuedBytes() {
      return response.writableLength;
    },
    write: (chunk) => response.write(chunk),
    onDrain: (listener) => void response.on("drain", listener),
    onClose: (listener) => {
      if (isClosed(response)) queueMicrotask(listener);
      else onceGone(response, listener);
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

/** Under Bun a response does not tell that its client went away, but what stands for its socket does. */
function onceGone(response: ServerResponse, listener: () => void): void {
  let isTold = false;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    listener();
  };
  response.once("close", tell);
  if (response.req.httpVersionMajor === 1) response.socket?.once("close", tell);
}

/** Responses of HTTP/2 do not tell it themselves. */
function isClosed(response: ServerResponse | Http2ServerResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.closed;
}
