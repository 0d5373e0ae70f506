import * as z from "zod";
import { JOB_EVENT_STATUS } from "../job/job.ts";
import { TRACEPARENT } from "../job/traceparent.ts";

/** Longest id, name or other short string on the wire, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 512;
/** Longest free text on the wire, in UTF-16 code units. */
export const MAX_TEXT_LENGTH = 65_536;
/** The last millisecond that a JavaScript Date can name. */
const MAX_TIMESTAMP = 8.64e15;

export const name = z.string().min(1).max(MAX_NAME_LENGTH);
export const text = z.string().max(MAX_TEXT_LENGTH);
export const timestamp = z.int().min(0).max(MAX_TIMESTAMP).describe("Milliseconds since the epoch");
const durationMs = z.number().min(0).describe("Milliseconds");
const count = z.int().min(0);
export const traceparent = z.string().regex(TRACEPARENT).describe("W3C trace context");

export const report = z.object({
  summary: text.optional(),
  details: text.optional(),
  issues: z.array(text).max(1_000).optional(),
  notes: text.optional(),
});

const jobCommon = {
  jobId: name,
  workerId: name,
  sessionId: name.optional(),
  requestedBy: name.optional(),
  parentJobId: name.optional(),
  workflow: z.object({ runId: name, stepId: name.optional() }).optional(),
  attempt: z.int().min(1).optional().describe("1 for the first try"),
  revision: count.describe("0, 1, 2 … within one job, without a gap"),
  startedAt: timestamp,
};

/** The status a job has once it was told of by each terminal event. */
const endedAs = <K extends "completed" | "failed" | "canceled">(kind: K) =>
  z.literal<(typeof JOB_EVENT_STATUS)[K]>(JOB_EVENT_STATUS[kind]);

const jobEnd = { finishedAt: timestamp, durationMs };

export const JOB_EVENT_DATA = {
  "orchestra.job.created": z.object({
    ...jobCommon,
    status: z.enum(["queued", "running"]),
    message: text.describe("The task, as a capped preview"),
    messageLength: count.describe("Length of the whole task"),
    queuedAt: timestamp.optional(),
    parentTraceparent: traceparent
      .optional()
      .describe("W3C trace context of what the job's span is a child of"),
  }),
  "orchestra.job.started": z.object({ ...jobCommon, status: z.literal("running"), queuedMs: durationMs }),
  "orchestra.job.progress": z.object({
    ...jobCommon,
    status: z.literal("running"),
    message: text.describe("What is being done now"),
    percent: z.number().min(0).max(100).optional(),
    current: z.number().min(0).optional(),
    total: z.number().min(0).optional(),
    unit: name.optional(),
    stage: name.optional(),
    updatedAt: timestamp,
  }),
  "orchestra.job.completed": z.object({
    ...jobCommon,
    status: endedAs("completed"),
    ...jobEnd,
    responsePreview: text.optional(),
    responseLength: count.optional().describe("Length of the whole response"),
    report: report.optional(),
  }),
  "orchestra.job.failed": z.object({
    ...jobCommon,
    status: endedAs("failed"),
    ...jobEnd,
    error: text,
    errorType: name.describe("Low cardinality: an error's class, `timeout`, `interrupted` or `_OTHER`"),
    report: report.optional(),
  }),
  "orchestra.job.canceled": z.object({
    ...jobCommon,
    status: endedAs("canceled"),
    ...jobEnd,
    reason: text.optional(),
    report: report.optional(),
  }),
  "orchestra.job.reported": z.object({
    ...jobCommon,
    status: z.enum(["succeeded", "failed", "canceled"]),
    report,
  }),
} as const;

const status = z.enum(["success", "error"]);
const run = { runId: name, workflowId: name, workflowName: name.optional() };
const skill = { skill: name, workerId: name.optional(), sessionId: name.optional() };

/** The families that exist around jobs, so that one feed shows all. */
export const AMBIENT_EVENT_DATA = {
  "orchestra.worker.status": z.object({
    worker: z.looseObject({ id: name }).describe("Snapshot of the worker"),
    status: name,
    previousStatus: name.optional(),
    reason: text.optional(),
  }),
  "orchestra.worker.stream": z.object({
    chunk: z.object({
      workerId: name,
      jobId: name.optional(),
      chunk: text,
      timestamp,
      final: z.boolean().optional(),
    }),
  }),
  "orchestra.workflow.started": z.object({ ...run, startedAt: timestamp, task: text.optional() }),
  "orchestra.workflow.step": z.object({
    ...run,
    stepId: name,
    stepTitle: text.optional(),
    workerId: name.optional(),
    status,
    startedAt: timestamp,
    finishedAt: timestamp,
    durationMs,
    error: text.optional(),
  }),
  "orchestra.workflow.carry.trimmed": z.object({
    ...run,
    stepId: name.optional(),
    originalLength: count.optional(),
    trimmedLength: count.optional(),
  }),
  "orchestra.workflow.completed": z.object({
    ...run,
    status,
    startedAt: timestamp,
    finishedAt: timestamp,
    durationMs,
    steps: z.object({ total: count, success: count, error: count }),
  }),
  "orchestra.memory.written": z.object({
    action: name.optional(),
    scope: name.optional(),
    key: name.optional(),
    projectId: name.optional(),
    workerId: name.optional(),
  }),
  "orchestra.skill.load.started": z.object(skill),
  "orchestra.skill.load.completed": z.object({ ...skill, durationMs: durationMs.optional() }),
  "orchestra.skill.load.failed": z.object({ ...skill, durationMs: durationMs.optional(), error: text }),
  "orchestra.skill.permission": z.object({ ...skill, permission: name, pattern: text.optional() }),
  "orchestra.error": z.object({
    message: text,
    source: name.optional(),
    details: z.unknown().optional(),
    workerId: name.optional(),
    runId: name.optional(),
    stepId: name.optional(),
  }),
} as const;
