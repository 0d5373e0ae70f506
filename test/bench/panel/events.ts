import { createOrchestratorEvent, type JobEvent, type JobEventType } from "../../../src/event/event.ts";

const WORKERS = 12;
const SESSIONS = 40;

function identityOf(job: number) {
  return {
    jobId: `job-${job}`,
    workerId: `worker-${job % WORKERS}`,
    sessionId: `session-${Math.floor(job / 50) % SESSIONS}`,
    attempt: 1,
    startedAt: Date.now(),
  };
}

/** How a job begins. */
export function storyOf(job: number, message = `Take care of part ${job}`): JobEvent[] {
  const identity = identityOf(job);
  const create = (type: JobEventType, data: object) =>
    createOrchestratorEvent<JobEventType>(type, { ...identity, ...data } as never);
  return [create("orchestra.job.created", { status: "running", revision: 0, message })];
}

export function progressOf(job: number, step: number): JobEvent {
  const data = {
    status: "running",
    revision: step,
    message: "At work",
    percent: step % 100,
    updatedAt: Date.now(),
  };
  return createOrchestratorEvent<JobEventType>("orchestra.job.progress", {
    ...identityOf(job),
    ...data,
  } as never);
}

export function endOf(job: number): JobEvent {
  const data = { status: "succeeded", revision: 9, finishedAt: Date.now(), durationMs: 1_000 };
  return createOrchestratorEvent<JobEventType>("orchestra.job.completed", {
    ...identityOf(job),
    ...data,
    responsePreview: "Done, as was asked for.",
  } as never);
}
