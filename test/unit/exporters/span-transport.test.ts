import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { isTracingSuppressed } from "@opentelemetry/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { SpanTransport } from "../../../exporters/span-transport.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const BODY = Buffer.from("spans");

/** A server that does to each request what it is told, and nothing else. */
async function serve(onRequest: (socket: Socket, request: string, count: number) => void) {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("data", (data) => onRequest(socket, data.toString(), ++requests));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces?a=b`);
  return { url, sockets, requests: () => requests };
}

function transportTo(url: URL, timeoutMs = 5_000): SpanTransport {
  const transport = new SpanTransport({ url, timeoutMs });
  onTestFinished(() => transport.close());
  return transport;
}

describe("a post", () => {
  it("carries type, length and path, and brings the reply", async () => {
    let seen = "";
    const { url } = await serve((socket, request) => {
      seen = request;
      socket.write(
        "HTTP/1.1 429 No\r\nContent-Type: text/plain\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
      );
    });
    const reply = await transportTo(url).post("application/json", BODY);
    expect(reply).toEqual({
      status: 429,
      contentType: "text/plain",
      retryAfter: "3",
      body: Buffer.alloc(0),
    });
    expect(seen).toMatch(/^POST \/v1\/traces\?a=b HTTP\/1.1\r\n/);
    expect(seen).toMatch(/content-type: application\/json\r\ncontent-length: 5\r\n/);
    expect(seen).toMatch(/\r\n\r\nspans$/);
  });

  it("uses a connection again", async () => {
    const { url, sockets } = await serve((socket) => socket.write(OK));
    const transport = transportTo(url);
    await transport.post("a/b", BODY);
    await transport.post("a/b", BODY);
    expect(sockets.size).toBe(1);
  });

  it("goes on over a new connection when an idle one turns out to be closed", async () => {
    const { url, sockets, requests } = await serve((socket, _request, count) =>
      count === 2 ? socket.resetAndDestroy() : socket.write(OK),
    );
    const transport = transportTo(url);
    await transport.post("a/b", BODY);
    expect((await transport.post("a/b", BODY)).body.toString()).toBe("hi");
    expect([sockets.size, requests()]).toEqual([2, 3]);
  });

  it("gives up when a new connection is closed, too", async () => {
    const { url, requests } = await serve((socket, _request, count) =>
      count > 1 ? socket.resetAndDestroy() : socket.write(OK),
    );
    const transport = transportTo(url);
    await transport.post("a/b", BODY);
    await expect(transport.post("a/b", BODY)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(requests()).toBe(3);
  });

  it("does not try again on a connection that is slow or speaks no HTTP", async () => {
    const { url, requests } = await serve((socket, _request, count) => {
      if (count === 1) socket.write(OK);
      else socket.write("?!\r\n\r\n");
    });
    const transport = transportTo(url);
    await transport.post("a/b", BODY);
    await expect(transport.post("a/b", BODY)).rejects.toThrow("Parse Error");
    expect(requests()).toBe(2);
  });

  it.each([
    ["before the reply", ""],
    ["within the head", "HTTP/1.1 200 OK\r\n"],
    ["within the body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"],
  ])("fails when the server stops talking %s", async (_when, start) => {
    const { url } = await serve((socket) => socket.write(start));
    await expect(transportTo(url, 20).post("a/b", BODY)).rejects.toThrow("no answer within 20 ms");
  });

  it("reads no more of a reply than makes sense", async () => {
    const { url } = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n${"x".repeat(1_000_000)}`);
    });
    const { body } = await transportTo(url).post("a/b", BODY);
    expect(body.length).toBeGreaterThan(64 * 1024);
    expect(body.length).toBeLessThan(1_000_000);
  });

  it("is no request that an instrumentation would make a span of", async () => {
    const manager = new AsyncLocalStorageContextManager();
    context.setGlobalContextManager(manager.enable());
    onTestFinished(() => context.disable());
    const { url } = await serve((socket) => socket.write(OK));
    const suppressed: boolean[] = [];
    const watched = new URL(url);
    // The URL is read where the request is made, so it sees the context of that.
    Object.defineProperty(watched, "hostname", {
      get: () => {
        suppressed.push(isTracingSuppressed(context.active()));
        return url.hostname;
      },
    });
    await transportTo(watched).post("a/b", BODY);
    expect(suppressed.length).toBeGreaterThan(0);
    expect(suppressed).not.toContain(false);
  });

  it("is encrypted when the URL says so", async () => {
    const { url } = await serve((socket) => socket.write(OK));
    url.protocol = "https:";
    await expect(transportTo(url).post("a/b", BODY)).rejects.toMatchObject({ code: "EPROTO" });
  });
});

describe("the end of a transport", () => {
  it("cuts off what is on its way", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url } = await serve(() => resolve());
    const transport = new SpanTransport({ url, timeoutMs: 60_000 });
    const posted = transport.post("a/b", BODY);
    await promise;
    transport.close();
    await expect(posted).rejects.toThrow("closed");
  });
});
