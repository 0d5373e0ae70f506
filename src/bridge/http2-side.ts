import type { Server } from "node:http";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream, ServerOptions } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { RequestHandler } from "./front-door.ts";
import { Prefaces } from "./http2-preface.ts";

export interface Http2SideOptions {
  /** Answers requests of either version: both look alike as far as it needs. */
  handle: RequestHandler;
  /** Milliseconds within which a request must have arrived whole. */
  requestTimeoutMs: number;
}

type CreateServer = typeof import("node:http2").createServer;
type ServeHttp1 = (socket: Socket) => void;

/** https://www.rfc-editor.org/rfc/rfc9113#name-error-codes */
const NO_ERROR = 0;
const CANCEL = 8;
/** Milliseconds that a connection may be silent; feeds have heartbeats. */
const SILENCE_MS = 120_000;
/**
 * What one connection may cost. Beyond, it ends: streams that are opened and reset at once are cheap to send
 * and dear to serve (CVE-2023-44487), and so are frames that make no sense.
 */
const LIMITS = {
  settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16 * 1024 },
  streamResetBurst: 200,
  streamResetRate: 20,
  maxHeaderListPairs: 100,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
} satisfies ServerOptions;

/**
 * Serves the connections of an HTTP/1.1 server that turn out to speak HTTP/2, by their TLS handshake or by
 * their first bytes. The server itself stays what it is: it listens, keeps the limits of HTTP/1.1, and is
 * closed when all connections are, those of HTTP/2 included.
 */
export class Http2Side {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #prefaces: Prefaces;
  #isClosing = false;

  constructor(createServer: CreateServer, { handle, requestTimeoutMs }: Http2SideOptions) {
    this.#prefaces = new Prefaces(requestTimeoutMs);
    // As for HTTP/1.1; and Node would throw where nobody catches it when a stream is gone by then.
    this.#server = createServer(LIMITS)
      .on("request", handle as never)
      .on("checkContinue", handle as never)
      .on("checkExpectation", handle as never)
      .on("session", (session) => this.#admit(session))
      .on("stream", (stream) => limitBody(stream, requestTimeoutMs))
      .setTimeout(SILENCE_MS);
  }

  /** Takes its connections from `server`, which offers `h2` to those that are encrypted. */
  join(server: Server, isEncrypted: boolean): void {
    const arrival = isEncrypted ? "secureConnection" : "connection";
    const [serveHttp1] = server.listeners(arrival) as [ServeHttp1];
    server.off(arrival, serveHttp1);
    server.on(arrival, (socket: Socket) => {
      const serve = (isHttp2: boolean) => {
        if (isHttp2) this.#serve(socket);
        else serveHttp1.call(server, socket);
      };
      if (isEncrypted) serve((socket as TLSSocket).alpnProtocol === "h2");
      else this.#prefaces.await(socket, serve);
    });
  }

  /** Takes no more requests; each connection ends with the last one that is under way on it. */
  close(): void {
    this.#isClosing = true;
    this.#prefaces.close();
    for (const session of this.#sessions) session.close();
  }

  #serve(socket: Socket): void {
    // Who has ended one side of it will not speak again, but HTTP/1.1 lets him wait for answers.
    socket.allowHalfOpen = false;
    this.#server.emit("connection", socket);
  }

  #admit(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    if (this.#isClosing) session.close();
  }
}

/** What HTTP/1.1 does by itself: a body must come in time, and is of no use once the answer is sent. */
function limitBody(stream: ServerHttp2Stream, timeoutMs: number): void {
  if (stream.endAfterHeaders) return;
  const timer = setTimeout(() => stream.close(CANCEL), timeoutMs).unref();
  const stop = () => clearTimeout(timer);
  stream.once("end", stop).once("close", stop);
  stream.once("finish", () => {
    if (!stream.readableEnded) stream.close(NO_ERROR);
  });
}
