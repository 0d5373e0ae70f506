import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { OrchestraError } from "../errors.ts";
import type { RequestHandler } from "./front-door.ts";
import { Http2Side } from "./http2-side.ts";

/** A certificate with its chain, and its private key; both in PEM. */
interface TlsOptions {
  cert: string;
  key: string;
}

export interface HttpServerOptions {
  /** Default: neither is encrypted. */
  tls?: TlsOptions | undefined;
  /**
   * Serve HTTP/2, too: over TLS to whoever can speak it, else to whoever begins with it. Default: over
   * TLS only, as no browser speaks it otherwise. Not under Bun.
   */
  http2?: boolean | undefined;
}

/** A server that listens for both versions of HTTP, if that is wanted. */
export interface HttpServer {
  server: Server;
  /** Tells clients of HTTP/2 to go; those of HTTP/1.1 are told by `server.close`. */
  goAway(): void;
  /** Ends every connection, whatever it is in the middle of. */
  cutOff(): void;
}

/** Creates it with what answers the requests. */
export type HttpServerFactory = (handle: RequestHandler) => HttpServer;

/** Milliseconds within which a request must have arrived whole. */
const REQUEST_TIMEOUT_MS = 30_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HTTP1_OPTIONS = {
  // A missing Host header is answered by the front door, in our format.
  requireHostHeader: false,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAlive: true,
};

/** Its `node:http2` serves no connection that another server has accepted. */
const IS_BUN = process.versions.bun !== undefined;

/**
 * Loads what the options need.
 * @throws INVALID_CONFIG for a certificate or key that cannot be used, and for HTTP/2 under Bun
 */
export async function loadHttpServer({ tls, http2 }: HttpServerOptions): Promise<HttpServerFactory> {
  const speaksHttp2 = http2 ?? (tls !== undefined && !IS_BUN);
  if (speaksHttp2 && IS_BUN) {
    const message = "Expected `http2` to be false or left out: under Bun the bridge speaks HTTP/1.1 only";
    throw new OrchestraError("INVALID_CONFIG", message, { path: "http2" });
  }
  const https = tls && (await import("node:https"));
  const http2Module = speaksHttp2 ? await import("node:http2") : undefined;
  const openServer = (): Server => {
    if (https === undefined) return createServer(HTTP1_OPTIONS);
    const ALPNProtocols = [...(speaksHttp2 ? ["h2"] : []), "http/1.1"];
    try {
      const options = { ...HTTP1_OPTIONS, ...tls, ALPNProtocols, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
      return https.createServer(options) as unknown as Server;
    } catch (cause) {
      // What OpenSSL says of a key does not repeat it.
      const message = `The certificate or key in \`tls\` cannot be used: ${(cause as Error).message}`;
      throw new OrchestraError("INVALID_CONFIG", message, { cause, path: "tls" });
    }
  };
  return (handle) => {
    const server = openServer()
      .on("request", handle)
      // Whoever reads the body says that it may come.
      .on("checkContinue", handle)
      // An expectation that cannot be met may be ignored: RFC 9110, section 10.1.1.
      .on("checkExpectation", handle);
    const connections = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      connections.add(socket);
      socket.once("close", () => connections.delete(socket));
    });
    const side =
      http2Module &&
      new Http2Side(http2Module.createServer, { handle, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    side?.join(server, https !== undefined);
    return {
      server,
      goAway: () => side?.close(),
      cutOff: () => {
        for (const socket of connections) socket.destroy();
      },
    };
  };
}
