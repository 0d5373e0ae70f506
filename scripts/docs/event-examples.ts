import {
  createOrchestratorEvent,
  EVENT_TYPES,
  type OrchestratorEvent,
  type OrchestratorEventDataMap,
  type OrchestratorEventType,
} from "../../src/event/event.ts";

const START = Date.UTC(2026, 0, 15, 9, 30);

const job = {
  jobId: "9b2f6c1e-4a57-4d0e-9f41-0c6f3f1d2a77",
  workerId: "reviewer",
  sessionId: "ses_42",
  startedAt: START,
};
const run = { runId: "run_7", workflowId: "release", workflowName: "Release" };
const skill = { skill: "changelog", workerId: "writer", sessionId: "ses_42" };
const end = { finishedAt: START + 41_250, durationMs: 41_250 };

/** Jobs that end in other ways than the first one. */
const failing = { ...job, jobId: "c0a1f6de-7d0b-4f5e-8a63-51b1d2f0a9e4" };
const canceled = { ...job, jobId: "5d7e9b52-3c1f-4a66-b0f8-2f6f0c9d7b13" };

const EXAMPLE_DATA: { [T in OrchestratorEventType]: OrchestratorEventDataMap[T] } = {
  "orchestra.job.created": {
    ...job,
    requestedBy: "planner",
    revision: 0,
    status: "queued",
    message: "Review the open changes",
    messageLength: 23,
    queuedAt: START - 1_200,
  },
  "orchestra.job.started": { ...job, revision: 1, status: "running", queuedMs: 1_200 },
  "orchestra.job.progress": {
    ...job,
    revision: 2,
    status: "running",
    message: "Reading src/queue.ts",
    percent: 40,
    current: 4,
    total: 10,
    unit: "files",
    stage: "read",
    updatedAt: START + 12_000,
  },
  "orchestra.job.completed": {
    ...job,
    ...end,
    revision: 3,
    status: "succeeded",
    responsePreview: "Two findings, both minor.",
    responseLength: 25,
    report: { summary: "Reviewed 10 files", issues: ["No test for the empty queue"] },
  },
  "orchestra.job.failed": {
    ...failing,
    ...end,
    revision: 2,
    status: "failed",
    error: "The model refused the request",
    errorType: "ModelError",
  },
  "orchestra.job.canceled": {
    ...canceled,
    ...end,
    revision: 2,
    status: "canceled",
    reason: "The user pressed stop",
  },
  "orchestra.job.reported": {
    ...job,
    revision: 4,
    status: "succeeded",
    report: { summary: "Reviewed 10 files", notes: "Written after the end" },
  },
  "orchestra.worker.status": {
    worker: { id: "reviewer", model: "small-1" },
    status: "busy",
    previousStatus: "ready",
  },
  "orchestra.worker.stream": {
    chunk: { workerId: "reviewer", jobId: job.jobId, chunk: "Reading ", timestamp: START + 900 },
  },
  "orchestra.workflow.started": { ...run, startedAt: START, task: "Release 1.4" },
  "orchestra.workflow.step": {
    ...run,
    ...end,
    stepId: "notes",
    stepTitle: "Write the notes",
    workerId: "writer",
    status: "success",
    startedAt: START,
  },
  "orchestra.workflow.carry.trimmed": {
    ...run,
    stepId: "notes",
    originalLength: 48_000,
    trimmedLength: 24_000,
  },
  "orchestra.workflow.completed": {
    ...run,
    ...end,
    status: "error",
    startedAt: START,
    steps: { total: 3, success: 2, error: 1 },
  },
  "orchestra.memory.written": { action: "put", scope: "project", key: "style", projectId: "shop" },
  "orchestra.skill.load.started": skill,
  "orchestra.skill.load.completed": { ...skill, durationMs: 18 },
  "orchestra.skill.load.failed": { ...skill, durationMs: 3, error: "SKILL.md is missing" },
  "orchestra.skill.permission": { ...skill, permission: "allow", pattern: "change*" },
  "orchestra.error": { message: "The step's worker is gone", source: "workflow", runId: run.runId },
};

/** One event of each type, the same at every call. */
export const EVENT_EXAMPLES: readonly OrchestratorEvent[] = EVENT_TYPES.map((type, index) =>
  example(type, index),
);

function example<T extends OrchestratorEventType>(type: T, index: number): OrchestratorEvent {
  const data = EXAMPLE_DATA[type];
  const timestamp = happenedAt(data);
  return createOrchestratorEvent(type, data, {
    id: `${timestamp.toString(16).padStart(12, "0").replace(/^.{8}/, "$&-")}-7000-8000-${String(index).padStart(12, "0")}`,
    timestamp,
    source: "orchestrator-1",
    traceparent: type.startsWith("orchestra.job.")
      ? "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
      : undefined,
  }) as OrchestratorEvent;
}

function happenedAt(data: object): number {
  const { finishedAt, updatedAt } = data as { finishedAt?: number; updatedAt?: number };
  return finishedAt ?? updatedAt ?? START;
}
