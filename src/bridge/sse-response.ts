import type { ServerResponse } from "node:http";
import type { SseConnection } from "../../exporters/sse.ts";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  // Tells nginx not to buffer.
  "x-accel-buffering": "no",
  // The stream ends with its connection, which spares each write the framing of a chunk.
  connection: "close",
};

/** Sends the head of an event stream at once, so that the client knows it is connected. */
export function openEventStream(response: ServerResponse): SseConnection {
  response.removeHeader("transfer-encoding");
  response.writeHead(200, HEADERS);
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
      if (response.closed) queueMicrotask(listener);
      else response.once("close", listener);
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}
