import type { OrchestratorEvent, OrchestratorEventType } from "../src/event/event.ts";
import { FifoMap } from "../src/fifo-map.ts";

export type LogLevel = "debug" | "info" | "error";

/** Types whose level is not `info`. */
const LEVELS: Partial<Record<OrchestratorEventType, LogLevel>> = {
  "orchestra.job.failed": "error",
  "orchestra.worker.stream": "debug",
  "orchestra.skill.load.started": "debug",
  "orchestra.skill.load.failed": "error",
  "orchestra.error": "error",
};

/** Jobs whose last progress line is remembered; the longest silent is forgotten first. */
const MAX_JOBS = 10_000;

/** Decides each event's level. Progress of one job beyond one line an interval goes down to `debug`. */
export class LogLevels {
  readonly #intervalMs: number;
  /** When each job last had a progress line at `info`, by the events' own time. */
  readonly #lastProgress = new FifoMap<string, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  levelOf(event: OrchestratorEvent): LogLevel {
    switch (event.type) {
      case "orchestra.job.progress":
        return this.#isDue(event.data?.jobId, event.timestamp) ? "info" : "debug";
      case "orchestra.worker.status":
      case "orchestra.workflow.step":
      case "orchestra.workflow.completed":
        return event.data?.status === "error" ? "error" : "info";
      case "orchestra.job.completed":
      case "orchestra.job.failed":
      case "orchestra.job.canceled":
        this.#lastProgress.delete(event.data?.jobId);
    }
    return LEVELS[event.type] ?? "info";
  }

  #isDue(jobId: string, timestamp: number): boolean {
    const last = this.#lastProgress.get(jobId);
    // A clock that was set back must not silence a job until it has caught up.
    if (last !== undefined && Math.abs(timestamp - last) < this.#intervalMs) return false;
    this.#lastProgress.renew(jobId, timestamp);
    if (this.#lastProgress.size > MAX_JOBS) this.#lastProgress.deleteOldest();
    return true;
  }
}
