import type { TelemetryStats } from "../../src/telemetry-stats.ts";
import { Child } from "./child.ts";

export interface WorkerTask {
  dataFile: string;
  tracesUrl: string;
  /** Of its bridge. */
  port: number;
  /** Events a second. */
  rate: number;
  /** Begins the ids of its jobs. */
  prefix: string;
  seed: number;
}

/** Ways to end from inside, in the middle of work. */
export type Ending = "exit" | "throw";

export type WorkerRequest =
  | { kind: "end"; how: Ending }
  /** Ends its jobs, makes no more, and flushes. */
  | { kind: "finish" }
  | { kind: "stats" }
  /** Read by the clock that may be loaded before the worker. */
  | { kind: "clock"; offsetMs: number };

export type WorkerReply =
  | { kind: "ready" }
  | { kind: "finished" }
  | { kind: "stats"; stats: TelemetryStats }
  | { kind: "warning"; message: string };

/** A process that runs jobs over a data file and shows them at its bridge. */
export class Worker extends Child<WorkerRequest, WorkerReply> {
  readonly warnings: string[] = [];

  constructor(task: WorkerTask, execArgv?: string[]) {
    super("worker-process.ts", task, execArgv);
    this.on("warning", ({ message }) => this.warnings.push(message));
  }

  /** Whether it came up. */
  async isReady(): Promise<boolean> {
    return this.reply("ready").then(
      () => true,
      () => false,
    );
  }
}
