import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createChannel, createSession } from "better-sse";
import type { Feed } from "./feed.ts";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/** The floor: the same frames, written to one plain socket after the other. */
export async function startRawFeed(): Promise<Feed> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.once("data", () => {
      socket.write(HEAD);
      sockets.add(socket);
    });
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  let sequence = 0;
  return {
    port: await listen(server),
    publish: (event) => {
      const frame = `id: 3f9a1c20-${++sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
      const bytes = Buffer.from(frame);
      for (const socket of sockets) socket.write(bytes);
    },
  };
}

/** better-sse as its own documentation shows it. */
export async function startBetterSseFeed(): Promise<Feed> {
  const channel = createChannel();
  const server = createHttpServer(async (request, response) => {
    channel.register(await createSession(request, response));
  });
  return {
    port: await listen(server),
    publish: (event) => void channel.broadcast(event, event.type, { eventId: event.id }),
  };
}

async function listen(server: Server): Promise<number> {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
