import type {
  OrchestratorEvent,
  OrchestratorEventDataMap,
  OrchestratorEventType,
} from "../src/event/event.ts";
import { subjectOf } from "../src/event/event-filter.ts";
import { wholePercent } from "../src/event/whole-percent.ts";

const LINE_LENGTH = 200;
/** White space but single spaces between words, control characters, lone surrogates. */
const NOT_ONE_LINE = /[^\S ]|[\p{Cc}\p{Cs}]| {2}|^ | $/u;

/** `build failed after 1.2 s: exit code 3`. */
export function logMessage(event: OrchestratorEvent): string {
  const { workerId } = subjectOf(event);
  const text = eventText(event);
  return typeof workerId === "string" ? `${oneLine(workerId)} ${text}` : text;
}

/**
 * What happened, without who it happened to: `failed after 1.2 s: exit code 3`. The type alone, when a
 * program without types made an event whose data does not fit it.
 */
export function eventText(event: OrchestratorEvent): string {
  const textOf = EVENT_TEXT[event.type] as (data: OrchestratorEvent["data"]) => string;
  try {
    return textOf(event.data);
  } catch {
    return event.type;
  }
}

/** `340 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`. */
export function readableDuration(durationMs: number): string {
  // Seconds begin where milliseconds would be rounded up to 1,000, and minutes where seconds would be to 60.
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1_000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** White space and control characters become one space each run; at most 200 characters remain. */
export function oneLine(text: string): string {
  if (text.length <= LINE_LENGTH && !NOT_ONE_LINE.test(text)) return text;
  // Long texts are cut first, so that a line costs the same whatever it was made of.
  const start = text.slice(0, LINE_LENGTH * 4).toWellFormed();
  const line = start.replace(/[\s\p{Cc}]+/gu, " ").trim();
  if (line.length <= LINE_LENGTH) return line;
  return `${line.slice(0, LINE_LENGTH - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

type EventText = { [T in OrchestratorEventType]: (data: OrchestratorEventDataMap[T]) => string };

const EVENT_TEXT: EventText = {
  "orchestra.job.created": (job) => because(job.status === "queued" ? "queued" : "started", job.message),
  "orchestra.job.started": (job) => `picked up after ${readableDuration(job.queuedMs)} in the queue`,
  "orchestra.job.progress": (job) => `${amount(job)} ${oneLine(job.message)}`.trim(),
  "orchestra.job.completed": (job) => `completed in ${readableDuration(job.durationMs)}`,
  "orchestra.job.failed": (job) => because(`failed after ${readableDuration(job.durationMs)}`, job.error),
  "orchestra.job.canceled": (job) =>
    because(`canceled after ${readableDuration(job.durationMs)}`, job.reason),
  "orchestra.job.reported": (job) => because("reported", job.report.summary),
  "orchestra.worker.status": ({ status, previousStatus, reason }) =>
    because(`is ${oneLine(status)}${previousStatus ? `, was ${oneLine(previousStatus)}` : ""}`, reason),
  // What a worker says may be private; that it says something is not.
  "orchestra.worker.stream": ({ chunk }) => `streamed ${chunk.chunk.length} characters`,
  "orchestra.workflow.started": (run) => `${workflow(run)} started`,
  "orchestra.workflow.step": (step) =>
    because(`${workflow(step)}: step ${oneLine(step.stepTitle ?? step.stepId)} ${outcome(step)}`, step.error),
  "orchestra.workflow.carry.trimmed": (run) => `${workflow(run)}: carried text trimmed`,
  "orchestra.workflow.completed": (run) =>
    `${workflow(run)} ${outcome(run)}: ${run.steps.success} of ${run.steps.total} steps succeeded`,
  "orchestra.memory.written": ({ scope, key }) =>
    because("wrote memory", [scope, key].filter(Boolean).join(" ")),
  "orchestra.skill.load.started": ({ skill }) => `loading skill ${oneLine(skill)}`,
  "orchestra.skill.load.completed": ({ skill }) => `loaded skill ${oneLine(skill)}`,
  "orchestra.skill.load.failed": ({ skill, error }) =>
    because(`could not load skill ${oneLine(skill)}`, error),
  "orchestra.skill.permission": ({ skill, permission }) =>
    `skill ${oneLine(skill)}: permission ${oneLine(permission)}`,
  "orchestra.error": ({ source, message }) =>
    because(source ? `error in ${oneLine(source)}` : "error", message),
};

function because(what: string, why: string | undefined): string {
  const reason = oneLine(why ?? "");
  return reason === "" ? what : `${what}: ${reason}`;
}

function amount({
  percent,
  current,
  total,
  unit,
}: OrchestratorEventDataMap["orchestra.job.progress"]): string {
  if (current !== undefined && total !== undefined)
    return `${current}/${total} ${oneLine(unit ?? "")}`.trim();
  return percent === undefined ? "" : `${wholePercent(percent)} %`;
}

function workflow({
  workflowId,
  workflowName,
}: {
  workflowId: string;
  workflowName?: string | undefined;
}): string {
  return `workflow ${oneLine(workflowName ?? workflowId)}`;
}

function outcome({ status, durationMs }: { status: "success" | "error"; durationMs: number }): string {
  const duration = readableDuration(durationMs);
  return status === "success" ? `completed in ${duration}` : `failed after ${duration}`;
}
