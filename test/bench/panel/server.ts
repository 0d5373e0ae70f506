import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** To the server: hold so many jobs; begin one job of that title; or publish so many events. */
export type ServerRequest =
  | { kind: "fill"; jobs: number }
  | { kind: "tell"; title: string }
  | { kind: "run"; count: number; perSecond: number };

/** `at` is when the server began with what it was asked for, in milliseconds since the epoch. */
export type ServerReply = { kind: "listening"; url: string } | { kind: "done"; at: number };

/** A bridge in a process of its own, so that only the browser shares the page's time. */
export class BenchServer {
  readonly #process: ChildProcess;
  readonly url: string;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(): Promise<BenchServer> {
    const process = fork(fileURLToPath(new URL("./server-process.ts", import.meta.url)));
    const [reply] = (await once(process, "message")) as [ServerReply & { kind: "listening" }];
    return new BenchServer(process, reply.url);
  }

  async ask(request: ServerRequest): Promise<number> {
    this.#process.send(request);
    const [reply] = (await once(this.#process, "message")) as [ServerReply & { kind: "done" }];
    return reply.at;
  }

  async stop(): Promise<void> {
    const closed = once(this.#process, "exit");
    this.#process.disconnect();
    await closed;
  }
}
