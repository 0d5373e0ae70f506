import { spawn } from "node:child_process";
import { withDeadline } from "./deadline.ts";

/**
 * Tells Ctrl-C, which a terminal sends to a whole process group, from a SIGINT that was sent to this
 * process alone: the former kills an idle process in the same group, too.
 */
export class InterruptCanary {
  readonly #exited: Promise<boolean>;
  readonly #release: () => void;
  #hasDied = false;

  constructor() {
    // Ends by itself when its input does, so also when this process is killed.
    const canary = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
    canary.unref();
    this.#release = () => canary.stdin.destroy();
    canary.stdin.on("error", () => {});
    this.#exited = new Promise((resolve) => {
      canary.once("error", () => resolve(false));
      canary.once("exit", (_code, signal) => resolve(signal === "SIGINT"));
    });
    void this.#exited.then((died) => {
      this.#hasDied = died;
    });
  }

  /** Whether the whole group was interrupted, as far as `waitMs` milliseconds tell. */
  async sawInterrupt(waitMs: number): Promise<boolean> {
    await withDeadline(this.#exited, waitMs);
    return this.#hasDied;
  }

  /** Idempotent. */
  close(): void {
    this.#release();
  }
}
