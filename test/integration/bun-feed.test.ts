import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import type { SseStats } from "../../exporters/sse.ts";
import { startTestBridge } from "../fixtures/bridge.ts";
import { errorEvent } from "../fixtures/sse-feed.ts";
import { openStalledFeed } from "../fixtures/sse-reader.ts";

const BUN = join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "bin/bun.exe");
const FIXTURES = join(import.meta.dirname, "../fixtures");

function spawnBun(fixture: string, ...args: string[]) {
  const child = spawn(BUN, [join(FIXTURES, fixture), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

/** A bridge under Bun. */
async function startFeed() {
  const { child, lines } = spawnBun("feed-child.ts");
  const next = async () => JSON.parse((await lines.next()).value as string);
  const { port } = await next();
  const publish = (count: number): Promise<SseStats> => {
    child.stdin.write(`${count}\n`);
    return next();
  };
  const until = async (condition: (stats: SseStats) => boolean, count = 0): Promise<SseStats> => {
    let stats = await publish(count);
    while (!condition(stats)) stats = await publish(count);
    return stats;
  };
  const end = (): Promise<SseStats> => {
    child.stdin.end();
    return next();
  };
  return { port, until, end };
}

/** A client that has got the first bytes of its feed. */
async function openReadFeed(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

it("notices under Bun that a client has left, however it does", async () => {
  const { port, until, end } = await startFeed();
  const [closing, breaking, staying] = await Promise.all([1, 2, 3].map(() => openReadFeed(port)));
  closing?.destroy();
  breaking?.resetAndDestroy();
  expect(await until(({ clients }) => clients === 1)).toMatchObject({ connected: 3, ended: { left: 2 } });
  const ended = new Promise((resolve) => staying?.once("close", resolve));
  expect(await end()).toMatchObject({ clients: 0, ended: { left: 2, shutdown: 1 } });
  await ended;
});

it("cuts off under Bun who reads nothing, once as much is queued as may be", async () => {
  const { port, until, end } = await startFeed();
  const socket = await openStalledFeed(port);
  onTestFinished(() => void socket.destroy());
  await until(({ clients }) => clients === 1);
  const { dropped, bytes } = await until(({ clients }) => clients === 0, 100);
  expect(dropped).toMatchObject({ slow_bytes: 1, slow_time: 0 });
  // What the system's buffers take, and one queue.
  expect(bytes).toBeLessThan(16 * 1024 * 1024);
  await end();
});

it("goes on as a client under Bun when a handler throws and nobody wants to know", async () => {
  const test = await startTestBridge();
  onTestFinished(() => test.close());
  const { lines } = spawnBun("client-child.ts", test.url);
  for (const message of ["1", "2"]) {
    test.publisher.publish(errorEvent(message).event);
    expect((await lines.next()).value).toBe("orchestra.error");
  }
});

it("serves HTTP/1.1 over TLS under Bun, and says that it cannot serve HTTP/2", async () => {
  const { lines } = spawnBun("tls-bridge-child.ts");
  const next = async () => JSON.parse((await lines.next()).value as string);
  expect(await next()).toEqual({ started: true });
  expect(await next()).toMatchObject({ code: "INVALID_CONFIG", path: "http2" });
});
