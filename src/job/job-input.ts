import { invalidArgument } from "../errors.ts";
import type { JobProgress, JobReport } from "./job.ts";
import { TRACEPARENT } from "./traceparent.ts";

/** What `create` takes: who is to do what, and for whom. */
export interface CreateJobInput {
  /** The agent or worker; low cardinality, as it names spans and labels metrics. */
  workerId: string;
  /** The task, in full. */
  message: string;
  /** Default: a random UUID. */
  id?: string | undefined;
  sessionId?: string | undefined;
  requestedBy?: string | undefined;
  parentJobId?: string | undefined;
  workflow?: { runId: string; stepId?: string | undefined } | undefined;
  /** 1 for the first try. */
  attempt?: number | undefined;
  /** W3C trace context of the caller; it becomes the parent of the job's span. */
  traceparent?: string | undefined;
  /** Set when a worker still has to pick the job up; it runs from `start(id)` on. Default: false. */
  queued?: boolean | undefined;
}

export type JobProgressInput = Omit<JobProgress, "updatedAt">;

export interface JobResultInput {
  responseText?: string | undefined;
  report?: JobReport | undefined;
}

export interface JobErrorInput {
  /** A message, or anything that was thrown. */
  error: unknown;
  /** Low-cardinality class. Default: the error's name, or `_OTHER`. */
  errorType?: string | undefined;
  report?: JobReport | undefined;
}

export interface JobCancelInput {
  reason?: string | undefined;
  report?: JobReport | undefined;
}

const IDENTITY_STRINGS = ["id", "sessionId", "requestedBy", "parentJobId"] as const;

/** Throws INVALID_ARGUMENT naming the first field that does not fit. */
export function checkCreateInput(input: CreateJobInput): void {
  requireObject("input", input);
  requireText("workerId", input.workerId);
  if (typeof input.message !== "string") throw invalidArgument("message", "a string", input.message);
  for (const field of IDENTITY_STRINGS) {
    if (input[field] !== undefined) requireText(field, input[field]);
  }
  const { traceparent } = input;
  if (traceparent !== undefined && !(typeof traceparent === "string" && TRACEPARENT.test(traceparent))) {
    throw invalidArgument("traceparent", "a W3C trace context of version 00", traceparent);
  }
  if (input.workflow !== undefined) {
    requireObject("workflow", input.workflow);
    requireText("workflow.runId", input.workflow.runId);
    if (input.workflow.stepId !== undefined) requireText("workflow.stepId", input.workflow.stepId);
  }
  if (input.queued !== undefined && typeof input.queued !== "boolean") {
    throw invalidArgument("queued", "a boolean", input.queued);
  }
  if (input.attempt !== undefined && !(Number.isSafeInteger(input.attempt) && input.attempt >= 1)) {
    throw invalidArgument("attempt", "a whole number from 1", input.attempt);
  }
}

/** The progress as of `updatedAt`. Throws INVALID_ARGUMENT naming the first field that does not fit. */
export function progressOf(input: JobProgressInput, updatedAt: number): JobProgress {
  requireObject("progress", input);
  const { message, percent, current, total, unit, stage } = input;
  if (typeof message !== "string") throw invalidArgument("message", "a string", message);
  if (percent !== undefined && !(typeof percent === "number" && percent >= 0 && percent <= 100)) {
    throw invalidArgument("percent", "a number from 0 to 100", percent);
  }
  if (current !== undefined) requireCount("current", current);
  if (total !== undefined) requireCount("total", total);
  optionalString("unit", unit);
  optionalString("stage", stage);
  return Object.freeze({ message, percent, current, total, unit, stage, updatedAt });
}

/** A copy that nobody can change. Throws INVALID_ARGUMENT naming the first field that does not fit. */
export function reportOf(report: JobReport): JobReport {
  requireObject("report", report);
  for (const field of ["summary", "details", "notes"] as const) {
    optionalString(`report.${field}`, report[field]);
  }
  const { summary, details, issues, notes } = report;
  if (
    issues !== undefined &&
    !(Array.isArray(issues) && issues.every((issue) => typeof issue === "string"))
  ) {
    throw invalidArgument("report.issues", "an array of strings", issues);
  }
  return Object.freeze({ summary, details, issues: issues && frozenCopy(issues), notes });
}

export function optionalString(path: string, value: unknown): void {
  if (value !== undefined && typeof value !== "string") throw invalidArgument(path, "a string", value);
}

export function requireObject(path: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgument(path, "an object", value);
  }
}

function requireText(path: string, value: unknown): void {
  if (typeof value !== "string" || value === "") throw invalidArgument(path, "a non-empty string", value);
}

function requireCount(path: string, value: unknown): void {
  if (!(typeof value === "number" && Number.isFinite(value) && value >= 0)) {
    throw invalidArgument(path, "a finite number from 0", value);
  }
}

function frozenCopy(strings: readonly string[]): string[] {
  return Object.freeze([...strings]) as string[];
}
