import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { Project } from "./project.ts";

/** How a process ended, with all that it has written. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** One process of OpenCode. */
export class OpencodeProcess {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #output = { stdout: "", stderr: "" };

  constructor(binary: string, args: readonly string[], { directory, env }: Project) {
    this.#child = spawn(binary, args, { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name].setEncoding("utf8").on("data", (text: string) => {
        this.#output[name] += text;
      });
    }
    this.ended = once(this.#child, "close").then(([code, signal]) => ({ code, signal, ...this.#output }));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /**
   * What matches on stdout, as soon as it is there.
   * @throws when the process ends before
   */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.#output.stdout);
      if (match !== null) resolve(match);
    };
    this.#child.stdout.on("data", look);
    void this.ended.then((ending) => reject(new Error(`OpenCode has ended: ${JSON.stringify(ending)}`)));
    look();
    try {
      return await promise;
    } finally {
      this.#child.stdout.off("data", look);
    }
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(signal);
    return await this.ended;
  }
}
