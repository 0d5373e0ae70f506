import { Child } from "./child.ts";

export interface HostileServerTask {
  token: string;
  /** Events that its log keeps. */
  logCapacity: number;
  /** Jobs of its own, `own-0` and so on, which may be canceled. */
  ownJobs: number;
}

export type HostileServerRequest = { kind: "memory" } | { kind: "stop" };

export type HostileServerReply =
  | { kind: "ready"; url: string }
  /** After its garbage was collected. */
  | { kind: "memory"; rssBytes: number; heapBytes: number }
  | { kind: "stopped" }
  /** What it warned of, or Node in its process. */
  | { kind: "warning"; message: string };

/** A bridge in a process of its own, with a log in memory. */
export class HostileServer extends Child<HostileServerRequest, HostileServerReply> {
  readonly warnings: string[] = [];

  constructor(task: HostileServerTask) {
    super("hostile-server-process.ts", task, ["--expose-gc"]);
    this.on("warning", ({ message }) => this.warnings.push(message));
  }
}
