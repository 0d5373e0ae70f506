import { Child } from "./child.ts";
import type { FeedKind } from "./feed.ts";
import type { LoadCommands, Received } from "./load-process.ts";
import type { Publishing, ServerCommands } from "./server-process.ts";

/** Clients that come before memory is measured, so that no code is compiled meanwhile. */
const FIRST_CLIENTS = 50;

export interface Round extends Received {
  /** Microseconds of the server's process per event and client. */
  cpuMicros: number;
  peakRss: number;
}

export interface SubjectOptions {
  clients?: number;
  /** Published before anybody is connected. */
  events?: number;
  /** Of the server's Node. */
  flags?: readonly string[];
}

export type Load = Child<LoadCommands>;

export function startLoad(): Load {
  return new Child<LoadCommands>("load-process.ts");
}

/** One feed in its own process, with its clients in theirs. */
export class Subject {
  readonly kind: FeedKind;
  /** Bytes of the server's process for each client that only waits. */
  readonly bytesPerClient: number;
  readonly #server: Child<ServerCommands>;
  readonly #load: Load;
  readonly #port: number;
  readonly #clients: number;
  #stalled = 0;

  private constructor(
    kind: FeedKind,
    parts: { server: Child<ServerCommands>; load: Load; port: number; clients: number; bytes: number },
  ) {
    this.kind = kind;
    this.#server = parts.server;
    this.#load = parts.load;
    this.#port = parts.port;
    this.#clients = parts.clients;
    this.bytesPerClient = parts.bytes;
  }

  static async start(kind: FeedKind, load: Load, options: SubjectOptions = {}): Promise<Subject> {
    const { clients = 1_000, events = 0, flags } = options;
    const server = new Child<ServerCommands>("server-process.ts", flags);
    const port = await server.ask("start", kind);
    await server.ask("publish", { ticks: 1, burst: events, intervalMs: 1 });
    await load.ask("connect", { port, clients: FIRST_CLIENTS });
    const before = await server.ask("rss");
    const more = clients - FIRST_CLIENTS;
    await load.ask("connect", { port, clients: more });
    const bytes = ((await server.ask("rss")) - before) / more;
    return new Subject(kind, { server, load, port, clients, bytes });
  }

  /** Publishes, and waits until every client that reads has it all. */
  async run(publishing: Publishing): Promise<Round> {
    const events = publishing.ticks * publishing.burst;
    await this.#load.ask("begin", { port: this.#port });
    await this.#server.ask("begin");
    const received = this.#load.ask("received", { port: this.#port, events });
    await this.#server.ask("publish", publishing);
    const counts = await received;
    const { cpuMicros, peakRss } = await this.#server.ask("finish");
    return { ...counts, peakRss, cpuMicros: cpuMicros / events / (this.#clients - this.#stalled) };
  }

  async stall(clients: number): Promise<void> {
    this.#stalled += clients;
    await this.#load.ask("stall", { port: this.#port, clients });
  }

  /** As the server's process is when all that can go has gone. */
  rss(): Promise<number> {
    return this.#server.ask("rss");
  }

  /** Clients that it has given up for being slow. */
  slowClients(): Promise<number> {
    return this.#server.ask("slowClients");
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}
