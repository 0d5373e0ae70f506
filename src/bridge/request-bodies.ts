import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { OrchestraError } from "../errors.ts";

export interface RequestBodiesOptions {
  /** Bytes of one body. */
  maxLength: number;
  /** Bytes of all that are held at once, from their first byte to the end of their answer. */
  maxHeld: number;
}

const FIRST_ROOM = 4 * 1024;

/** Reads bodies whole. Many at once are as much of a load as a large one, so they are counted together. */
export class RequestBodies {
  readonly #options: RequestBodiesOptions;
  #held = 0;

  constructor(options: RequestBodiesOptions) {
    this.#options = options;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** @throws PAYLOAD_TOO_LARGE; UNAVAILABLE when there is no room now; BAD_REQUEST when it ends too early */
  async read(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    // Whoever breaks off gets no answer; what waits for the body must not wait for ever.
    if (isGone(request)) throw endedTooEarly();
    this.#check(Number(request.headers["content-length"] ?? 0));
    if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue();
    const body = new GrowingBuffer();
    response.once("close", () => {
      this.#held -= body.length;
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onData = (chunk: Buffer) => {
      this.#held += chunk.length;
      body.append(chunk);
      try {
        this.#check(body.length);
      } catch (error) {
        reject(error);
      }
    };
    const breakOff = () => reject(endedTooEarly());
    request.on("data", onData).once("end", resolve);
    // A stream of HTTP/2 that is reset tells of this first, and then of an end like any other.
    request.once("aborted", breakOff).once("close", breakOff);
    try {
      await promise;
      return body.bytes;
    } catch (error) {
      // The rest is thrown away as it comes, and the connection does not outlive the answer.
      request.off("data", onData).resume();
      response.shouldKeepAlive = false;
      throw error;
    }
  }

  #check(length: number): void {
    const { maxLength, maxHeld } = this.#options;
    if (length > maxLength) {
      throw new OrchestraError("PAYLOAD_TOO_LARGE", `Expected a body of at most ${maxLength} bytes`);
    }
    if (this.#held > maxHeld) {
      throw new OrchestraError("UNAVAILABLE", "Too many large requests are on their way; try again later");
    }
  }
}

/** Copies what it is given: a body that comes byte by byte would cost a hundred times its size in pieces. */
class GrowingBuffer {
  #room = Buffer.alloc(0);
  length = 0;

  get bytes(): Buffer {
    return this.#room.subarray(0, this.length);
  }

  append(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(FIRST_ROOM, length, 2 * this.#room.length));
      this.#room.copy(room, 0, 0, this.length);
      this.#room = room;
    }
    chunk.copy(this.#room, this.length);
    this.length = length;
  }
}

function isGone(request: IncomingMessage | Http2ServerRequest): boolean {
  return request.socket.destroyed || ("stream" in request && request.stream.closed);
}

function endedTooEarly(): OrchestraError {
  return new OrchestraError("BAD_REQUEST", "The body ended too early");
}
