import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Ending } from "./opencode-process.ts";
import type { Project } from "./project.ts";
import { TerminalScreen } from "./terminal-screen.ts";

/** Tells the id of the process that OpenCode becomes, where the screen does not show it. */
const IN_TERMINAL = `stty cols 120 rows 40; echo $$ >&3; exec "$OPENCODE"`;

export const ENTER = "\r";
export const ESCAPE = "\x1b";
export const CTRL_C = "\x03";

/** `opencode` without a command, in a terminal of its own. */
export class OpencodeTui {
  /**
   * The end of it, of its terminal, and of whatever they have started: all of them hold an end of a pipe.
   * `stdout` is what was printed.
   */
  readonly ended: Promise<Ending>;
  readonly #terminal: ChildProcess;
  readonly #screen = new TerminalScreen();
  readonly #watchers = new Set<() => void>();
  #pid: number | undefined;

  constructor(binary: string, { directory, env }: Project) {
    this.#terminal = spawn(
      "script",
      ["--quiet", "--flush", "--return", "--command", IN_TERMINAL, "/dev/null"],
      {
        cwd: directory,
        env: { ...env, OPENCODE: binary, SHELL: "/bin/sh", TERM: "xterm-256color" },
        stdio: ["pipe", "pipe", "pipe", "pipe"],
      },
    );
    let stderr = "";
    this.#output(1).on("data", (text: string) => {
      this.#screen.write(text);
      for (const look of this.#watchers) look();
    });
    this.#output(2).on("data", (text: string) => {
      stderr += text;
    });
    this.ended = once(this.#terminal, "close").then(([code, signal]) => {
      this.#pid = undefined;
      return { code, signal, stdout: this.#screen.printed, stderr };
    });
  }

  /** Resolves when it can be prompted. */
  async opened(): Promise<void> {
    const [pid] = await once(this.#output(3), "data");
    this.#pid = Number(pid);
    await this.shows("Build · Fake");
  }

  /** What has been printed beside the frames that OpenCode draws, by whomever. */
  get printed(): string {
    return this.#screen.printed;
  }

  /** Presses keys, one after the other. */
  press(...keys: string[]): void {
    const keyboard = this.#terminal.stdio[0] as Writable;
    for (const key of keys) keyboard.write(key);
  }

  /** Types a text, and enters it once it is there. */
  async enter(text: string): Promise<void> {
    this.press(text);
    await this.shows(text);
    this.press(ENTER);
  }

  /** Resolves as soon as the text is on the screen. */
  async shows(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (this.#screen.text.includes(text)) resolve();
    };
    this.#watchers.add(look);
    void this.ended.then(() =>
      reject(new Error(`OpenCode has ended without \`${text}\`:\n${this.#screen.text}`)),
    );
    look();
    await promise;
    this.#watchers.delete(look);
  }

  /** Sends OpenCode a signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Ending> {
    if (this.#pid !== undefined) process.kill(this.#pid, signal);
    else this.#terminal.kill(signal);
    return await this.ended;
  }

  /** Takes the terminal away, as when its window is closed, and waits for the end. */
  async closeTerminal(): Promise<Ending> {
    this.#terminal.kill("SIGKILL");
    return await this.ended;
  }

  #output(index: 1 | 2 | 3): Readable {
    return (this.#terminal.stdio[index] as Readable).setEncoding("utf8");
  }
}
