import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a child does when its parent asks; arguments and results travel as messages. */
type Commands<C> = { [K in keyof C]: (argument: never) => unknown };

type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Result<F> = F extends (argument: never) => infer R ? Awaited<R> : never;

interface Question {
  id: number;
  command: string;
  argument: unknown;
}

interface Answer {
  id: number;
  result: unknown;
}

/** In the child: answers one command after the other, and ends with its parent. */
export function answerParent<C extends Commands<C>>(commands: C): void {
  process.on("message", async ({ id, command, argument }: Question) => {
    const result = await commands[command as keyof C](argument as never);
    process.send?.({ id, result } satisfies Answer);
  });
  process.on("disconnect", () => process.exit(0));
}

/** In the parent: a process that answers `C`. */
export class Child<C extends Commands<C>> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  readonly #exit: Promise<unknown>;
  #asked = 0;

  constructor(file: string, flags: readonly string[] = []) {
    const execArgv = ["--expose-gc", ...flags];
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv });
    this.#exit = once(this.#process, "exit");
    this.#process.on("message", ({ id, result }: Answer) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** Rejects when the process ends instead of answering. */
  ask<K extends keyof C & string>(command: K, argument?: Argument<C[K]>): Promise<Result<C[K]>> {
    const id = ++this.#asked;
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    this.#process.send({ id, command, argument } satisfies Question);
    const ended = this.#exit.then(() => Promise.reject(new Error(`The process of \`${command}\` has ended`)));
    return Promise.race([answer, ended]) as Promise<Result<C[K]>>;
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exit;
  }
}
