import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

const HTTP_FAULT = /^(?:HPE|ERR_HTTP)_/;

/** Answers what the HTTP parser could not read, and closes; the other connections do not notice. */
export class MalformedRequests {
  readonly #answering = new WeakSet<Duplex>();

  /** Nothing may be written to the request's connection but its response, until that is complete. */
  keepOff({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#answering.add(socket);
    response.once("close", () => this.#answering.delete(socket));
  }

  answer(error: Error & { code?: string }, socket: Duplex): void {
    // What failed below HTTP, such as a handshake, leaves nothing to answer on.
    const isHttp = HTTP_FAULT.test(error.code ?? "");
    if (!isHttp || !socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    const [status, message] = fault(error.code);
    const body = JSON.stringify({ error: { code: "BAD_REQUEST", message } });
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

function fault(code: string | undefined): [status: number, message: string] {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "The request's headers are too large."];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "The request did not arrive in time."];
  return [400, "The request is malformed."];
}
