import { signal } from "@preact/signals";
import fc from "fast-check";
import type { JobSnapshot } from "../../../src/event/job-snapshot.ts";
import type { JobEntry } from "../../../src/panel/jobs/job-store.ts";

/** A running job that began at 1,000. */
export function job(jobId: string, changes: Partial<JobSnapshot> = {}): JobSnapshot {
  return {
    jobId,
    workerId: "coder",
    status: "running",
    revision: 0,
    startedAt: 1_000,
    updatedAt: 1_000,
    ...changes,
  };
}

export function ended(jobId: string, finishedAt: number, changes: Partial<JobSnapshot> = {}): JobSnapshot {
  return job(jobId, {
    status: "succeeded",
    finishedAt,
    updatedAt: finishedAt,
    durationMs: finishedAt - 1_000,
    ...changes,
  });
}

export function entry(snapshot: JobSnapshot): JobEntry {
  return { id: snapshot.jobId, job: signal(snapshot) };
}

/** Any UTF-16, halves of characters included. */
export const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));
/** Any character of the first plane. */
export const character = codeUnit.filter((unit) => unit.isWellFormed());
