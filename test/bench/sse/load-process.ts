// The clients of the feeds: plain sockets that share one buffer and look at nothing but the marks.

import { connect, type Socket } from "node:net";
import { answerParent } from "./child.ts";
import { MARK, sharedMicros } from "./feed.ts";

export interface LoadCommands {
  connect(to: { port: number; clients: number }): Promise<void>;
  /** These many clients of the feed stop reading. */
  stall(of: { port: number; clients: number }): void;
  /** Forgets what was received until now. */
  begin(of: { port: number }): void;
  /** Resolves when each client that reads has received `events`, or has come to its end. */
  received(of: { port: number; events: number }): Promise<Received>;
}

export interface Received {
  /** Fewest and most events that a client which reads has received. */
  fewest: number;
  most: number;
  /** Milliseconds from event to client that 99 of 100 took at most. */
  p99Ms: number;
}

const MARK_BYTE = MARK.charCodeAt(0);
const ZERO = "0".charCodeAt(0);
const BUFFER_BYTES = 256 * 1024;
const CONNECTS_AT_ONCE = 50;

interface Client {
  socket: Socket;
  events: number;
  /** False once it has stalled, by intent, or has come to its end. */
  isReading: boolean;
}

class Audience {
  readonly clients: Client[] = [];
  #latencies: number[] = [];
  #expected = Number.POSITIVE_INFINITY;
  /** Clients that read and have not received what is expected. */
  #missing = 0;
  #onReceived = () => {};

  take(client: Client, bytes: Uint8Array, length: number): void {
    const now = sharedMicros();
    const before = client.events;
    for (let at = bytes.indexOf(MARK_BYTE); at !== -1 && at < length; at = bytes.indexOf(MARK_BYTE, at + 1)) {
      client.events++;
      const sent = numberAt(bytes, at + 1, length);
      if (sent !== undefined) this.#latencies.push(now - sent);
    }
    if (before < this.#expected && client.events >= this.#expected) this.#count();
  }

  lose(client: Client): void {
    if (!client.isReading) return;
    client.isReading = false;
    if (client.events < this.#expected) this.#count();
  }

  stall(count: number): void {
    for (const client of this.clients.slice(0, count)) {
      client.isReading = false;
      client.socket.pause();
    }
  }

  begin(): void {
    this.#latencies = [];
    for (const client of this.clients) client.events = 0;
  }

  async received(events: number): Promise<Received> {
    this.#expected = events;
    this.#missing = this.#reading().filter((client) => client.events < events).length;
    if (this.#missing > 0) {
      await new Promise<void>((resolve) => {
        this.#onReceived = resolve;
      });
    }
    this.#expected = Number.POSITIVE_INFINITY;
    const counts = this.#reading().map((client) => client.events);
    const sorted = Float64Array.from(this.#latencies).sort();
    const p99Ms = (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN) / 1_000;
    return { fewest: Math.min(...counts), most: Math.max(...counts), p99Ms };
  }

  #reading(): Client[] {
    return this.clients.filter(({ isReading }) => isReading);
  }

  #count(): void {
    if (--this.#missing === 0) this.#onReceived();
  }
}

const audiences = new Map<number, Audience>();
const shared = Buffer.alloc(BUFFER_BYTES);

function audienceOf(port: number): Audience {
  const audience = audiences.get(port) ?? new Audience();
  audiences.set(port, audience);
  return audience;
}

/** Undefined when the number does not end before `length`, so that the bytes may be split there. */
function numberAt(bytes: Uint8Array, start: number, length: number): number | undefined {
  let value = 0;
  for (let at = start; at < length; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
  return undefined;
}

/** Resolves when the feed has begun to answer. */
function open(port: number, audience: Audience): Promise<void> {
  return new Promise((resolve) => {
    const onread = {
      buffer: shared,
      callback: (length: number) => {
        resolve();
        // What lies behind `length` is left from another client.
        audience.take(client, shared.subarray(0, length), length);
        return true;
      },
    };
    const socket = connect({ port, host: "127.0.0.1", onread });
    const client: Client = { socket, events: 0, isReading: true };
    audience.clients.push(client);
    socket.on("error", () => {}).on("close", () => audience.lose(client));
    socket.write(`GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`);
  });
}

answerParent<LoadCommands>({
  connect: async ({ port, clients }) => {
    const audience = audienceOf(port);
    for (let opened = 0; opened < clients; opened += CONNECTS_AT_ONCE) {
      const count = Math.min(CONNECTS_AT_ONCE, clients - opened);
      await Promise.all(Array.from({ length: count }, () => open(port, audience)));
    }
  },
  stall: ({ port, clients }) => audienceOf(port).stall(clients),
  begin: ({ port }) => audienceOf(port).begin(),
  received: ({ port, events }) => audienceOf(port).received(events),
});
