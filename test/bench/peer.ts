import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Counter = "spans" | "frames";

/** To the peer: follow the feed at `url`, or say when `counter` of `stack` has reached `atLeast`. */
export type PeerRequest =
  | { kind: "subscribe"; stack: string; url: string }
  | { kind: "await"; id: number; stack: string; counter: Counter; atLeast: number };

/** From the peer: its receiver listens, a feed is open, or what was awaited has come. */
export type PeerReply =
  | { kind: "listening"; url: string }
  | { kind: "subscribed"; stack: string }
  | { kind: "reached"; id: number };

/**
 * The other ends of the wires, in a process of their own, so that their work is not measured: an OTLP
 * receiver and the clients of the feeds.
 */
export class Peer {
  readonly #process: ChildProcess;
  readonly #base: string;
  #requests = 0;

  private constructor(process: ChildProcess, base: string) {
    this.#process = process;
    this.#base = base;
  }

  static async start(): Promise<Peer> {
    const process = fork(fileURLToPath(new URL("peer-process.ts", import.meta.url)));
    const { url } = (await reply(process, ({ kind }) => kind === "listening")) as { url: string };
    return new Peer(process, url);
  }

  /** Where a stack sends its spans. */
  tracesUrl(stack: string): string {
    return `${this.#base}/${stack}/v1/traces`;
  }

  /** Resolves when the client is connected. */
  async subscribe(stack: string, url: string): Promise<void> {
    const subscribed = reply(this.#process, (sent) => sent.kind === "subscribed" && sent.stack === stack);
    this.#send({ kind: "subscribe", stack, url });
    await subscribed;
  }

  /** Resolves when so many spans or frames of a stack have come in, since the beginning. */
  async received(stack: string, counter: Counter, atLeast: number): Promise<void> {
    const id = ++this.#requests;
    const reached = reply(this.#process, (sent) => sent.kind === "reached" && sent.id === id);
    this.#send({ kind: "await", id, stack, counter, atLeast });
    await reached;
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.disconnect();
    await exit;
  }

  #send(request: PeerRequest): void {
    this.#process.send(request);
  }
}

function reply(process: ChildProcess, isIt: (reply: PeerReply) => boolean): Promise<PeerReply> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => {
      if (!isIt(message as PeerReply)) return;
      process.off("message", onMessage);
      resolve(message as PeerReply);
    };
    process.on("message", onMessage);
  });
}
