import { Child } from "./child.ts";

/** `ours` runs jobs, each of two spans; `stock` makes spans for the SDK's own processor and exporter. */
export interface SenderTask {
  kind: "ours" | "stock";
  dataFile: string;
  tracesUrl: string;
  /** Spans a second. */
  rate: number;
}

/** To stop making spans. */
export type SenderRequest = { kind: "stop" };

export type SenderReply =
  | { kind: "ready" }
  /** From time to time. */
  | { kind: "memory"; rssBytes: number }
  | { kind: "stopped"; made: number };

/** A process that makes spans, and how much memory it takes. */
export class Sender extends Child<SenderRequest, SenderReply> {
  /** The most since `measure`. */
  #mostBytes = 0;
  #lastBytes = 0;
  #baseBytes = 0;

  constructor(task: SenderTask) {
    super("sender-process.ts", task);
    this.on("memory", ({ rssBytes }) => {
      this.#lastBytes = rssBytes;
      this.#mostBytes = Math.max(this.#mostBytes, rssBytes);
    });
  }

  /** From here on growth counts. */
  measure(): void {
    this.#baseBytes = this.#lastBytes;
    this.#mostBytes = this.#lastBytes;
  }

  get growthMiB(): number {
    return Math.round((this.#mostBytes - this.#baseBytes) / 1024 ** 2);
  }
}
