import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

interface Message {
  kind: string;
}

/** A process of ours, which says what `Reply` can hold and is asked what `Request` can. */
export class Child<Request extends Message, Reply extends Message> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #errors = "";
  /** Ends when all that was asked is answered. */
  #answered: Promise<unknown> = Promise.resolve();

  /** @param script beside this file; it gets `task` as JSON */
  constructor(script: string, task: object, execArgv: string[] = []) {
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), [JSON.stringify(task)], {
      execArgv,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#ended = once(this.#process, "exit");
    // To a process that is just being killed nothing can be sent.
    this.#process.on("error", () => {});
    this.#process.stderr?.on("data", (text) => {
      this.#errors = `${this.#errors}${text}`.slice(-2_000);
    });
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Undefined while it runs, and when it was killed. */
  get exitCode(): number | undefined {
    return this.#process.exitCode ?? undefined;
  }

  /** What it said last on stderr. */
  get errors(): string {
    return this.#errors;
  }

  on<K extends Reply["kind"]>(kind: K, listener: (reply: Extract<Reply, { kind: K }>) => void): () => void {
    const onMessage = (reply: unknown) => {
      if ((reply as Reply).kind === kind) listener(reply as Extract<Reply, { kind: K }>);
    };
    this.#process.on("message", onMessage);
    return () => void this.#process.off("message", onMessage);
  }

  send(request: Request): void {
    if (this.#process.connected) this.#process.send(request);
  }

  /** The next reply of a kind. @throws when the process ends before */
  async reply<K extends Reply["kind"]>(kind: K): Promise<Extract<Reply, { kind: K }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<Reply, { kind: K }>>();
    const off = this.on(kind, resolve);
    const reply = await Promise.race([promise, this.#ended.then(() => undefined)]);
    off();
    if (reply === undefined) throw new Error(`The process ended before it was ${kind}: ${this.#errors}`);
    return reply;
  }

  /** One question after the other, as an answer does not say what it answers. */
  ask<K extends Reply["kind"]>(request: Request, kind: K): Promise<Extract<Reply, { kind: K }>> {
    const answer = this.#answered.then(() => {
      const reply = this.reply(kind);
      this.send(request);
      return reply;
    });
    this.#answered = answer.catch(() => {});
    return answer;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Resolves when it has ended. */
  async end(): Promise<void> {
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.end();
  }
}
