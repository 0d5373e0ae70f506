import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FeedClient, type FeedClientOptions } from "../torture/feed-client.ts";
import { SilentProxy } from "../torture/silent-proxy.ts";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const closing: (() => unknown)[] = [];

afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Visit {
  socket: Socket;
  request: string;
}

/** A server that leaves the answers to the test. */
async function listen() {
  const server = createServer();
  const visits: Visit[] = [];
  let onVisit = () => {};
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      visits.push({ socket, request: bytes.toString() });
      onVisit();
    });
    closing.push(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const visit = async (number: number): Promise<Visit> => {
    while (visits.length < number) await new Promise<void>((resolve) => (onVisit = resolve));
    return visits[number - 1] as Visit;
  };
  return { port: (server.address() as AddressInfo).port, visit };
}

function follow(options: FeedClientOptions): FeedClient {
  const client = new FeedClient(options);
  closing.push(() => client.leave());
  return client;
}

function frame(cursor: string, message = "1 x"): string {
  const data = JSON.stringify({ timestamp: Date.now(), data: { message } });
  return `id: ${cursor}\nevent: orchestra.error\ndata: ${data}\n\n`;
}

describe("a client of a torture", () => {
  it("comes back with its last event id, after the pause it was asked for", async () => {
    const { port, visit } = await listen();
    const client = follow({ port });
    const first = await visit(1);
    expect(first.request).not.toContain("Last-Event-ID");
    first.socket.end(`${HEAD}id: e-4\n\n${frame("e-5")}retry: 1\n\n`);
    const second = await visit(2);
    expect(second.request).toContain("\r\nLast-Event-ID: e-5\r\n");
    second.socket.write(`${HEAD}${frame("e-6")}`);
    await client.until(({ position }) => position === 6);
    expect(client).toMatchObject({ retries: [1], cuts: { ended: 1, reset: 0 }, oddHeads: [] });
    expect(client.order).toMatchObject({ events: 2, holes: 0, doubles: 0, resyncs: 0 });
    expect(client.returnsMs).toHaveLength(1);
  });

  it("finds what is missing and what comes twice", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, lastEventId: "e-4" });
    const { socket } = await visit(1);
    socket.write(`${HEAD}${frame("e-7")}${frame("e-7")}`);
    await client.until(({ order }) => order.events === 2);
    expect(client.order).toMatchObject({ holes: 2, doubles: 1 });
  });

  it("finds what is missing in a filtered feed by what the events say", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, query: "workerId=rare" });
    const { request, socket } = await visit(1);
    expect(request).toMatch(/^GET \/v1\/events\?workerId=rare HTTP/);
    socket.write(`${HEAD}id: e-1\n\n${frame("e-100", "1 x")}id: e-500\n\n${frame("e-900", "3 x")}`);
    await client.until(({ position }) => position === 3);
    expect(client.order).toMatchObject({ events: 2, holes: 1, doubles: 0 });
  });

  it("tells a resync from other frames about the stream", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, lastEventId: "e-4" });
    const { socket } = await visit(1);
    socket.write(`${HEAD}event: orchestra.stream.later\ndata: {}\n\n`);
    socket.write(`event: orchestra.stream.resync\ndata: {}\n\n${frame("f-1")}`);
    await client.until(({ position }) => position === 1);
    expect(client.order).toMatchObject({ resyncs: 1, holes: 0 });
  });

  it("tells a reset from an end", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, returns: false });
    const { socket } = await visit(1);
    socket.write(HEAD);
    await client.until(({ isConnected }) => isConnected);
    socket.resetAndDestroy();
    await client.until(({ cuts }) => cuts.reset === 1);
    expect(client.cuts).toEqual({ ended: 0, reset: 1 });
  });

  it("notes an answer that is no plain event stream", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, returns: false });
    const { socket } = await visit(1);
    socket.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    await client.until(({ cuts }) => cuts.ended === 1);
    expect(client.oddHeads).toHaveLength(1);
  });

  it("that sleeps reads nothing until it is woken", async () => {
    const { port, visit } = await listen();
    const client = follow({ port, bytesPerSecond: 0 });
    const { socket } = await visit(1);
    // As much as the system takes, and more.
    const frames = Array.from({ length: 40_000 }, (_, index) => frame(`e-${index + 1}`, "1 ".padEnd(200)));
    expect(socket.write(`${HEAD}${frames.join("")}`)).toBe(false);
    expect(client.order.events).toBe(0);
    client.wake();
    await client.until(({ position }) => position === 40_000);
    expect(client.order).toMatchObject({ events: 40_000, holes: 0, doubles: 0 });
  });
});

describe("a silent proxy", () => {
  it("forwards until it falls silent, and then keeps its connections without a word", async () => {
    const { port, visit } = await listen();
    const proxy = await SilentProxy.open(port);
    closing.push(() => proxy.close());
    const client = follow({ port: proxy.port });
    const { socket } = await visit(1);
    socket.write(`${HEAD}${frame("e-1")}`);
    await client.until(({ position }) => position === 1);
    proxy.fallSilent();
    socket.write(frame("e-2"));
    // Has this way been gone, the other would have been, too.
    const direct = follow({ port });
    (await visit(2)).socket.write(`${HEAD}${frame("e-2")}`);
    await direct.until(({ position }) => position === 2);
    expect(client).toMatchObject({ isConnected: true, position: 1, cuts: { ended: 0, reset: 0 } });
    proxy.close();
    await client.until(({ isConnected }) => !isConnected);
    expect(client.position).toBe(1);
  });
});
