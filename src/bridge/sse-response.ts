import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SseConnection } from "../../exporters/sse.ts";

export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  // Tells nginx not to buffer.
  "x-accel-buffering": "no",
  // The stream ends with its connection, which spares each write the framing of a chunk.
  connection: "close",
};

/**
 * Sends the head of an event stream at once, so that the client knows it is connected. The response must
 * have a connection of its own: what follows is written straight to it, as its body has no framing.
 */
export function openEventStream(response: ServerResponse): SseConnection {
  response.removeHeader("transfer-encoding");
  response.writeHead(200, EVENT_STREAM_HEADERS);
  response.flushHeaders();
  // The close that follows each error is what counts.
  response.on("error", ignore);
  return new SocketConnection(response, response.socket as Socket);
}

function ignore(): void {}

class SocketConnection implements SseConnection {
  readonly #response: ServerResponse;
  readonly #socket: Socket;

  constructor(response: ServerResponse, socket: Socket) {
    this.#response = response;
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** A client that has ended its side is being closed: what is written to it then is gone, and no error. */
  write(chunk: Uint8Array): boolean {
    return !this.#socket.writable || this.#socket.write(chunk);
  }

  onDrain(listener: () => void): void {
    this.#socket.on("drain", listener);
  }

  onClose(listener: () => void): void {
    if (this.#response.closed) queueMicrotask(listener);
    else this.#response.once("close", listener);
  }

  end(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }
}
