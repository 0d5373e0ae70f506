import type { OrchestratorEventDataMap } from "../event/event.ts";
import { JOB_EVENT_STATUS, type JobEventKind } from "../job/job.ts";
import { failureOf } from "../job/job-failure.ts";
import type { Content } from "./content.ts";
import { amountOf, type JobFacts, nameOf, type ObservedJob, textOf, timeOf } from "./job-facts.ts";
import type { JobEnded } from "./job-tracer.ts";

export type JobData<K extends JobEventKind> = OrchestratorEventDataMap[`orchestra.job.${K}`];

export function createdData(facts: JobFacts, job: ObservedJob, content: Content): JobData<"created"> {
  const message = textOf(job.message);
  return {
    ...facts,
    status: job.status === "queued" ? "queued" : "running",
    revision: 0,
    message: content.text(message, "message"),
    messageLength: message.length,
    queuedAt: timeOf(job.queuedAt),
  };
}

export function progressData(
  facts: JobFacts,
  revision: number,
  job: ObservedJob,
  content: Content,
  now: number,
): JobData<"progress"> {
  const progress = (job.progress ?? {}) as Record<string, unknown>;
  return {
    ...facts,
    status: "running",
    revision,
    message: content.text(textOf(progress.message), "progress"),
    percent: amountOf(progress.percent, 100),
    current: amountOf(progress.current),
    total: amountOf(progress.total),
    unit: content.label(nameOf(progress.unit), "progress"),
    stage: content.label(nameOf(progress.stage), "progress"),
    updatedAt: timeOf(progress.updatedAt) ?? now,
  };
}

/** The callbacks that end a job. */
export type JobEndKind = "completed" | "failed" | "canceled";

/** What the three ways to end have in common. */
interface JobEnd extends JobFacts {
  revision: number;
  finishedAt: number;
  durationMs: number;
  report: JobData<"completed">["report"];
}

/** What is told of a job's end, in the way it ended. */
export function endedData(
  kind: JobEndKind,
  facts: JobFacts,
  revision: number,
  job: ObservedJob,
  content: Content,
  now: number,
): JobEnded {
  // A wall clock that was set back must not yield an end before the beginning.
  const finishedAt = Math.max(timeOf(job.finishedAt) ?? now, facts.startedAt);
  const durationMs = finishedAt - facts.startedAt;
  const end = { ...facts, revision, finishedAt, durationMs, report: content.report(job.report) };
  if (kind === "completed") return completedData(end, job, content);
  return kind === "failed" ? failedData(end, job, content) : canceledData(end, job, content);
}

function completedData(end: JobEnd, job: ObservedJob, content: Content): JobData<"completed"> {
  const response = job.responseText === undefined ? undefined : textOf(job.responseText);
  return {
    ...end,
    status: JOB_EVENT_STATUS.completed,
    responsePreview: response === undefined ? undefined : content.text(response, "response"),
    responseLength: response?.length,
  };
}

function failedData(end: JobEnd, job: ObservedJob, content: Content): JobData<"failed"> {
  const failure = failureOf(job.error ?? "");
  return {
    ...end,
    status: JOB_EVENT_STATUS.failed,
    error: content.text(failure.error, "error"),
    errorType: nameOf(job.errorType) ?? failure.errorType,
  };
}

function canceledData(end: JobEnd, job: ObservedJob, content: Content): JobData<"canceled"> {
  // Registries without a `reason` keep it where a failure would be.
  const reason = textOf(job.reason ?? job.error);
  return {
    ...end,
    status: JOB_EVENT_STATUS.canceled,
    reason: reason === "" ? undefined : content.text(reason, "reason"),
  };
}
