import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { ProcessTree } from "./process-tree.ts";

export interface ChildCommandOptions {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdin: "inherit" | "ignore";
  /**
   * In a process group of its own, signals reach the command's own children at once. Not when it reads
   * from a terminal, as it could not do so from there; its children are looked for, then.
   */
  ownGroup: boolean;
  /**
   * Takes output, and undefined when it has ended. The command is held up until it resolves; when it
   * rejects, the pipe is closed.
   */
  onStdout: OutputHandler;
  onStderr: OutputHandler;
}

type OutputHandler = (chunk: Buffer | undefined) => Promise<void>;

export interface ChildEnd {
  /** As a shell has it: the command's own, 128 + n for signal n, 127 not found, 126 not executable. */
  exitCode: number;
  /** Undefined when the command succeeded. */
  failure?: { error: string; errorType: string };
}

/** After the exit, output is read until none came for this long: a child left behind may hold the pipe. */
const IDLE_MS = 500;

/** A command with its output on pipes. */
export class ChildCommand {
  /** Resolves, and never rejects, once the command has ended and its output was taken. */
  readonly ended: Promise<ChildEnd>;
  readonly #ownGroup: boolean;
  readonly #killed = Promise.withResolvers<true>();
  #child: ChildProcess | undefined;
  #tree: ProcessTree | undefined;
  #hasEnded = false;
  #chunks = 0;
  #taking = 0;

  constructor(command: readonly string[], options: ChildCommandOptions) {
    this.#ownGroup = options.ownGroup;
    this.ended = this.#run(command, options).finally(() => {
      this.#hasEnded = true;
    });
  }

  /** To the command and its children. Ignored once the command has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#hasEnded) return;
    if (signal === "SIGKILL") this.killAll();
    else if (this.#ownGroup) this.#signalGroup(signal);
    else this.#tree?.signal(signal);
  }

  /** Ends the command and its children, also those that outlive it; output that still comes is let go. */
  killAll(): void {
    // Both, as a child may have a group of its own, or a parent that has ended.
    this.#tree?.signal("SIGKILL");
    if (this.#ownGroup) this.#signalGroup("SIGKILL");
    this.#killed.resolve(true);
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // All of it has ended.
    }
  }

  async #run(command: readonly string[], options: ChildCommandOptions): Promise<ChildEnd> {
    const [file = "", ...args] = command;
    const { cwd, env, stdin, ownGroup } = options;
    try {
      const child = spawn(file, args, { cwd, env, stdio: [stdin, "pipe", "pipe"], detached: ownGroup });
      this.#child = child;
      this.#tree = child.pid === undefined ? undefined : new ProcessTree(child.pid);
      const output = Promise.allSettled([
        this.#pump(child.stdout, options.onStdout),
        this.#pump(child.stderr, options.onStderr),
      ]);
      const end = await endOf(child);
      await this.#drain(output);
      child.stdout?.destroy();
      child.stderr?.destroy();
      return end;
    } catch (error) {
      return spawnFailure(file, error as NodeJS.ErrnoException);
    }
  }

  /** Out of descriptors, a command that could not be started has no pipes either. */
  async #pump(stream: Readable | null | undefined, take: OutputHandler): Promise<void> {
    try {
      for await (const chunk of stream ?? []) {
        this.#chunks++;
        this.#taking++;
        await take(chunk).finally(() => this.#taking--);
      }
    } finally {
      await take(undefined);
    }
  }

  async #drain(output: Promise<unknown>): Promise<void> {
    const finished = output.then(() => true);
    // What was printed before the end is in the pipe, and comes within an idle time.
    const cut = this.#killed.promise.then(() => delay(IDLE_MS, true));
    let seen = -1;
    while (seen !== this.#chunks || this.#taking > 0) {
      seen = this.#chunks;
      if (await Promise.race([finished, cut, delay(IDLE_MS, false)])) return;
    }
  }
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === null ? exited(code ?? 0) : killed(signal)));
  });
}

function exited(code: number): ChildEnd {
  if (code === 0) return { exitCode: 0 };
  return { exitCode: code, failure: { error: `exit code ${code}`, errorType: `exit_${code}` } };
}

function killed(signal: NodeJS.Signals): ChildEnd {
  const failure = { error: `killed by ${signal}`, errorType: `signal_${signal}` };
  return { exitCode: 128 + constants.signals[signal], failure };
}

function spawnFailure(file: string, { code = "unknown", message }: NodeJS.ErrnoException): ChildEnd {
  if (code === "ENOENT") {
    return { exitCode: 127, failure: { error: `${file}: command not found`, errorType: "spawn_ENOENT" } };
  }
  return { exitCode: 126, failure: { error: `${file}: ${message}`, errorType: `spawn_${code}` } };
}
