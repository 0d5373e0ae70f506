import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import https from "node:https";
import { context } from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { invalidArgument } from "../src/errors.ts";

/** Of a longer reply no more is read, in bytes: nothing that it could say needs so much. */
const MAX_REPLY_BYTES = 64 * 1024;

export interface SpanTransportOptions {
  url: URL;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Time for one request, from its start to the last byte of the reply. */
  timeoutMs: number;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  /** At most 64 KiB and the rest of the chunk that exceeded it. */
  readonly body: Buffer;
}

/**
 * Posts to one URL, over connections that are kept open. Unlike the stock exporter's, neither its sockets
 * nor its timers hold a process that would otherwise end. Redirects are not followed: they would carry the
 * headers, and the secrets in them, to somebody else.
 */
export class SpanTransport {
  readonly #url: URL;
  readonly #headers: OutgoingHttpHeaders;
  readonly #timeoutMs: number;
  readonly #request: typeof http.request;
  readonly #agent: http.Agent;
  /** What cuts off each request on its way. */
  readonly #open = new Set<(reason: string) => void>();

  /** @throws INVALID_ARGUMENT for headers that HTTP does not allow */
  constructor({ url, headers = {}, timeoutMs }: SpanTransportOptions) {
    this.#url = url;
    this.#headers = { "user-agent": "orchestra-otel", ...checkedHeaders(headers) };
    this.#timeoutMs = timeoutMs;
    const { request, Agent } = url.protocol === "https:" ? https : http;
    this.#request = request;
    this.#agent = new Agent({ keepAlive: true });
  }

  /**
   * Resolves with whatever the server says once all of it is here.
   * @throws when there is no whole reply: no connection, a cut one, no HTTP, too late, or closed
   */
  async post(contentType: string, body: Uint8Array): Promise<Reply> {
    for (;;) {
      const request = this.#start({ "content-type": contentType, "content-length": body.byteLength });
      try {
        return await this.#exchange(request, body);
      } catch (error) {
        // The server closed an idle connection just as it was used again; each of those fails only once.
        if (!request.reusedSocket || !isCut(error)) throw error;
      }
    }
  }

  /** Cuts off what is on its way. */
  close(): void {
    for (const cutOff of this.#open) cutOff("closed");
    this.#agent.destroy();
  }

  #start(headers: OutgoingHttpHeaders): ClientRequest {
    const options = { method: "POST", headers: { ...this.#headers, ...headers }, agent: this.#agent };
    // Or an instrumentation of HTTP would make a span of each delivery of spans.
    const request = context.with(suppressTracing(context.active()), () => this.#request(this.#url, options));
    return request.on("socket", (socket) => socket.unref());
  }

  async #exchange(request: ClientRequest, body: Uint8Array): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    // A request that is destroyed does not tell so in every runtime.
    const cutOff = (reason: string) => {
      reject(new Error(reason));
      request.destroy();
    };
    const timer = setTimeout(cutOff, this.#timeoutMs, `no answer within ${this.#timeoutMs} ms`).unref();
    this.#open.add(cutOff);
    request.on("error", reject);
    request.on("response", (response) => void readReply(response).then(resolve, reject));
    request.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#open.delete(cutOff);
    }
  }
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > MAX_REPLY_BYTES) break;
  }
  const { statusCode: status = 0, headers } = response;
  return {
    status,
    contentType: headers["content-type"] ?? "",
    retryAfter: headers["retry-after"],
    body: Buffer.concat(chunks),
  };
}

function isCut(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE";
}

function checkedHeaders(headers: Readonly<Record<string, string>>): OutgoingHttpHeaders {
  for (const [name, value] of Object.entries(headers)) {
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch {
      // The value may be a secret, so it is not repeated.
      throw invalidArgument(`headers.${name}`, "a header that HTTP allows", "another text");
    }
  }
  return headers;
}
