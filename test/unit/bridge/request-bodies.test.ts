import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { RequestBodies } from "../../../src/bridge/request-bodies.ts";

/** A request whose body is what is written to it. */
function exchange(headers: Record<string, string> = {}) {
  const request = Object.assign(new PassThrough({ autoDestroy: false }), {
    headers,
    socket: { destroyed: false },
  });
  const response = Object.assign(new EventEmitter(), { shouldKeepAlive: true });
  const read = (bodies: RequestBodies) =>
    bodies.read(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  return { request, response, read };
}

const code = (name: string) => expect.objectContaining({ code: name });
const createBodies = () => new RequestBodies({ maxLength: 100, maxHeld: 150 });

describe("request bodies", () => {
  it("are read whole, byte by byte if need be", async () => {
    const { request, read } = exchange();
    const bodies = createBodies();
    const body = read(bodies);
    const text = "x".repeat(99);
    for (const letter of text) request.write(letter);
    request.end("y");
    expect((await body).toString()).toBe(`${text}y`);
  });

  it("may be empty", async () => {
    const { request, read } = exchange();
    const body = read(createBodies());
    request.end();
    expect((await body).length).toBe(0);
  });

  it("are held until they are answered", async () => {
    const bodies = createBodies();
    const { request, response, read } = exchange();
    const body = read(bodies);
    request.end("x".repeat(80));
    await body;
    expect(bodies.held).toBe(80);
    response.emit("close");
    expect(bodies.held).toBe(0);
  });

  it("are refused before the first byte when they say that they are too long", async () => {
    const { read } = exchange({ "content-length": "101" });
    await expect(read(createBodies())).rejects.toThrow(code("PAYLOAD_TOO_LARGE"));
  });

  it("are refused as soon as they are too long, and what still comes is thrown away", async () => {
    const bodies = createBodies();
    const { request, response, read } = exchange();
    const body = read(bodies);
    request.write("x".repeat(101));
    await expect(body).rejects.toThrow(code("PAYLOAD_TOO_LARGE"));
    request.write("x".repeat(1_000));
    expect(bodies.held).toBe(101);
    expect(request.readableFlowing).toBe(true);
    expect(response.shouldKeepAlive).toBe(false);
    response.emit("close");
    expect(bodies.held).toBe(0);
  });

  it("are refused while those of others fill the room, and taken afterwards", async () => {
    const bodies = createBodies();
    const others = exchange();
    const first = others.read(bodies);
    others.request.end("x".repeat(100));
    await first;
    const second = exchange();
    const refused = second.read(bodies);
    second.request.write("x".repeat(60));
    await expect(refused).rejects.toThrow(code("UNAVAILABLE"));
    others.response.emit("close");
    second.response.emit("close");
    const third = exchange();
    const taken = third.read(bodies);
    third.request.end("x".repeat(60));
    expect((await taken).length).toBe(60);
  });

  it("that break off are not taken for whole, nor held", async () => {
    const bodies = createBodies();
    const { request, response, read } = exchange({ "content-length": "50" });
    const body = read(bodies);
    request.write("x".repeat(10));
    // In the order in which a stream of HTTP/2 that is reset does it.
    request.emit("aborted");
    request.end();
    await expect(body).rejects.toThrow(code("BAD_REQUEST"));
    response.emit("close");
    expect(bodies.held).toBe(0);
  });

  it("are not waited for when their connection closes", async () => {
    const { request, read } = exchange({ "content-length": "50" });
    const body = read(createBodies());
    request.write("x".repeat(10));
    request.emit("close");
    await expect(body).rejects.toThrow(code("BAD_REQUEST"));
  });

  it("of whoever is gone are not waited for", async () => {
    const { request, read } = exchange();
    request.socket.destroyed = true;
    await expect(read(createBodies())).rejects.toThrow(code("BAD_REQUEST"));
  });
});
