import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readBridgeFile } from "../../src/cli/discovery.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** A user's home of its own, and the command line as it is run there. */
export class CliHome {
  readonly state = mkdtempSync(join(tmpdir(), "orchestra-cli-"));
  readonly env: Readonly<Record<string, string | undefined>> = {
    PATH: process.env.PATH,
    XDG_STATE_HOME: this.state,
    OTEL_TRACES_EXPORTER: "none",
    // Nobody listens there, while the default port may be somebody's.
    ORCHESTRA_BRIDGE_PORT: "1",
  };

  start(args: readonly string[], env: Record<string, string | undefined> = {}): CliProcess {
    return new CliProcess(args, { ...this.env, ...env });
  }

  /** Resolves once the bridge can be reached. */
  async serve(...args: string[]): Promise<{ process: CliProcess; url: string; token: string }> {
    const process = this.start(["serve", "--port", "0", ...args]);
    await process.printed("Watch what happens");
    const { url, token = "" } = readBridgeFile(this.env) ?? { url: "" };
    return { process, url, token };
  }

  /** Lines of the log file, parsed. */
  log(): Record<string, unknown>[] {
    const file = join(this.state, "orchestra-otel", "jobs.log");
    return readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  remove(): void {
    rmSync(this.state, { recursive: true });
  }
}

/** A home that is removed when the test ends. */
export function createHome(): CliHome {
  const home = new CliHome();
  onTestFinished(() => home.remove());
  return home;
}

export class CliProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";
  readonly #watchers = new Set<() => void>();

  constructor(args: readonly string[], env: Record<string, string | undefined>) {
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.child = child;
    this.exited = once(child, "close").then(([code]) => code as number | null);
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        this[stream] += text;
        for (const look of this.#watchers) look();
      });
    }
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  /** Resolves once the text is on stdout or stderr; rejects when the process ends without it. */
  printed(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!this.stdout.includes(text) && !this.stderr.includes(text)) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      void this.exited.then(() => reject(new Error(`ended without '${text}': ${this.stdout}${this.stderr}`)));
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends its standard input and resolves with how it ended. */
  async result(): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    this.child.stdin?.end();
    return { exitCode: await this.exited, stdout: this.stdout, stderr: this.stderr };
  }
}
