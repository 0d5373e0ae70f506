import {
  createOrchestratorEvent,
  type EventEnvelopeInput,
  type OrchestratorEvent,
} from "../../../src/event/event.ts";

export interface JobEventInput extends EventEnvelopeInput {
  jobId?: string;
  workerId?: string;
  sessionId?: string;
  message?: string;
  percent?: number;
}

function factsOf({ jobId = "job-1", workerId = "build", sessionId }: JobEventInput) {
  return { jobId, workerId, sessionId, revision: 0, startedAt: 1_000 };
}

export function created(input: JobEventInput = {}): OrchestratorEvent {
  const { message = "compile the lexer" } = input;
  const data = { ...factsOf(input), status: "running", message, messageLength: message.length } as const;
  return createOrchestratorEvent("orchestra.job.created", data, input);
}

export function progress(input: JobEventInput = {}): OrchestratorEvent {
  const { message = "compiling", percent, timestamp = 2_000 } = input;
  const data = { ...factsOf(input), status: "running", message, percent, updatedAt: timestamp } as const;
  return createOrchestratorEvent("orchestra.job.progress", data, input);
}

export function failed(input: JobEventInput = {}): OrchestratorEvent {
  const { message = "exit code 3" } = input;
  const end = { finishedAt: 2_200, durationMs: 1_200, error: message, errorType: "exit_3" };
  const data = { ...factsOf(input), ...end, status: "failed" } as const;
  return createOrchestratorEvent("orchestra.job.failed", data, input);
}

export function completed(input: JobEventInput = {}): OrchestratorEvent {
  const data = { ...factsOf(input), status: "succeeded", finishedAt: 2_200, durationMs: 1_200 } as const;
  return createOrchestratorEvent("orchestra.job.completed", data, input);
}
