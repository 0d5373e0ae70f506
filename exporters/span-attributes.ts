import type { Attributes, HrTime } from "@opentelemetry/api";
import { INTERRUPTED, TIMEOUT } from "../src/job/job-failure.ts";
import type { JobCreated, JobEnded } from "../src/lifecycle/job-tracer.ts";
import { GEN_AI, GENERAL, JOB_RESULT, type JobResult, ORCHESTRA } from "../src/semconv.ts";
import { operationOf, workflowOf } from "./span-name.ts";
import type { ProgressUpdate } from "./span-progress.ts";

/**
 * Who does what for whom, under our names and the standard ones. Without `orchestra.worker.id` and the
 * operation: those are the job span's alone, so that counting by them counts each job once.
 */
export function identityAttributes(job: JobCreated): Attributes {
  return {
    [ORCHESTRA.JOB_ID]: job.jobId,
    [ORCHESTRA.SESSION_ID]: job.sessionId,
    [ORCHESTRA.JOB_PARENT_ID]: job.parentJobId,
    [ORCHESTRA.JOB_REQUESTED_BY]: job.requestedBy,
    [ORCHESTRA.JOB_ATTEMPT]: job.attempt,
    [ORCHESTRA.WORKFLOW_RUN_ID]: job.workflow?.runId,
    [ORCHESTRA.WORKFLOW_STEP_ID]: job.workflow?.stepId,
    [GEN_AI.AGENT_NAME]: job.workerId,
    [GEN_AI.WORKFLOW_NAME]: workflowOf(job.workerId),
    [GEN_AI.CONVERSATION_ID]: job.sessionId,
    [GENERAL.SESSION_ID]: job.sessionId,
  };
}

/** What the job's span carries from its beginning, samplers included. */
export function jobAttributes(job: JobCreated): Attributes {
  return {
    ...identityAttributes(job),
    [ORCHESTRA.WORKER_ID]: job.workerId,
    [ORCHESTRA.JOB_MESSAGE]: job.message,
    [ORCHESTRA.JOB_MESSAGE_LENGTH]: job.messageLength,
    [GEN_AI.OPERATION_NAME]: operationOf(job.workerId),
  };
}

/** What makes a span event or log record findable without its span. */
export function eventIdentity(job: Pick<JobCreated, "jobId" | "workerId" | "sessionId">): Attributes {
  return {
    [ORCHESTRA.JOB_ID]: job.jobId,
    [ORCHESTRA.WORKER_ID]: job.workerId,
    [ORCHESTRA.SESSION_ID]: job.sessionId,
  };
}

const PROGRESS_ATTRIBUTES = [
  ["message", ORCHESTRA.PROGRESS_MESSAGE],
  ["percent", ORCHESTRA.PROGRESS_PERCENT],
  ["current", ORCHESTRA.PROGRESS_CURRENT],
  ["total", ORCHESTRA.PROGRESS_TOTAL],
  ["unit", ORCHESTRA.PROGRESS_UNIT],
  ["stage", ORCHESTRA.PROGRESS_STAGE],
] as const;

/** `identity` and what the update knows; the SDK would look at each undefined attribute, too. */
export function progressAttributes(identity: Attributes, update: ProgressUpdate): Attributes {
  const attributes = { ...identity };
  for (const [field, name] of PROGRESS_ATTRIBUTES) {
    if (update[field] !== undefined) attributes[name] = update[field];
  }
  return attributes;
}

/** How the job ended. */
export function endAttributes(end: JobEnded): Attributes {
  const result = { [ORCHESTRA.JOB_RESULT]: resultOf(end) };
  switch (end.status) {
    case "succeeded":
      return {
        ...result,
        [ORCHESTRA.JOB_RESPONSE]: end.responsePreview,
        [ORCHESTRA.JOB_RESPONSE_LENGTH]: end.responseLength,
      };
    case "failed":
      return { ...result, [GENERAL.ERROR_TYPE]: end.errorType };
    case "canceled":
      return { ...result, [ORCHESTRA.JOB_CANCEL_REASON]: end.reason };
  }
}

/** Milliseconds since the epoch as the API takes them: a bare number could be read as performance time. */
export function hrTime(timestampMs: number): HrTime {
  return [Math.floor(timestampMs / 1_000), (timestampMs % 1_000) * 1_000_000];
}

function resultOf(end: JobEnded): JobResult {
  if (end.status === "succeeded") return JOB_RESULT.SUCCESS;
  if (end.status === "canceled") return JOB_RESULT.CANCELLATION;
  if (end.errorType === INTERRUPTED) return JOB_RESULT.ERROR;
  return end.errorType === TIMEOUT ? JOB_RESULT.TIMEOUT : JOB_RESULT.FAILURE;
}
