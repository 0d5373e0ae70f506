import { createOrchestratorEvent, type OrchestratorEvent } from "../../../src/event/event.ts";

export type FeedKind = "raw" | "better-sse" | "ours";

/** A server under measurement. */
export interface Feed {
  readonly port: number;
  publish(event: OrchestratorEvent): void;
  /** Clients given up for being slow, where that is done. */
  slowClients?(): number;
}

/** Begins what the clients look for: no other byte of a stream is a tilde. */
export const MARK = "~";

/** Makes a frame about as long as that of a usual job event. */
const PADDING = "compiling the parser and running its tests once more, then ".repeat(4);

/** An event that tells when it was made, in microseconds of the clock that all processes share. */
export function timedEvent(): OrchestratorEvent {
  const timestamp = Date.now();
  return createOrchestratorEvent("orchestra.job.progress", {
    jobId: "job_01HZX4T8Q2W3E4R5T6Y7U8",
    workerId: "reviewer",
    sessionId: "ses_01HZX4T8Q2W3E4R5T6Y7U8",
    status: "running",
    revision: 1,
    startedAt: timestamp,
    updatedAt: timestamp,
    message: `${MARK}${sharedMicros()} ${PADDING}`,
    percent: 42,
    stage: "build",
  });
}

/** Microseconds since the machine was started. */
export function sharedMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
