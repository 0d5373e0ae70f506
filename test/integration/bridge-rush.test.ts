import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FeedServer } from "../torture/feed-server.ts";
import { freePort } from "../torture/free-port.ts";
import { SeededRandom } from "../torture/seeded-random.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("a bridge whose process is busy", () => {
  it("lets as many wait as it takes clients, so that none is sent to the back of a long pause", async () => {
    const server = new FeedServer({ port: await freePort(new SeededRandom(process.pid)) });
    closing.push(() => server.kill());
    await server.reply("ready");
    server.signal("SIGSTOP");
    const sockets = Array.from({ length: 1_000 }, () => connect(server.port, "127.0.0.1"));
    closing.push(() => sockets.map((socket) => socket.destroy()));
    // The system itself greets them, as long as there is room to wait in.
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    const answers = sockets.map((socket) => once(socket, "data"));
    for (const socket of sockets) socket.write("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.signal("SIGCONT");
    for (const [head] of await Promise.all(answers)) expect(String(head)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
