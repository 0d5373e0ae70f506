import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { JOB_STATUSES, type JobStatus } from "../../job/job.ts";

/** Which jobs are shown: those that fit all that is given. */
export interface JobFilter {
  /** Any of these; all when empty. */
  statuses: readonly JobStatus[];
  worker?: string | undefined;
  session?: string | undefined;
  /** Words, each of which stands somewhere in the job, in any case. */
  text?: string | undefined;
}

export function isFiltering({ statuses, worker, session, text }: JobFilter): boolean {
  return statuses.length > 0 || worker !== undefined || session !== undefined || text !== undefined;
}

/** What is asked of each job, made once. */
export interface CompiledFilter {
  statuses: ReadonlySet<JobStatus> | undefined;
  worker: string | undefined;
  session: string | undefined;
  words: readonly string[];
}

export function compileFilter({ statuses, worker, session, text = "" }: JobFilter): CompiledFilter {
  const isAll = statuses.length === 0 || statuses.length === JOB_STATUSES.length;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return { statuses: isAll ? undefined : new Set(statuses), worker, session, words };
}

/** Whether the job fits everything but the statuses. */
export function fitsAnyStatus(job: JobSnapshot, { worker, session, words }: CompiledFilter): boolean {
  if (worker !== undefined && job.workerId !== worker) return false;
  if (session !== undefined && job.sessionId !== session) return false;
  return words.length === 0 || hasWords(job, words);
}

/** Of two jobs the texts are the same only if the jobs are: records are replaced, never changed. */
const texts = new WeakMap<JobSnapshot, string>();

function hasWords(job: JobSnapshot, words: readonly string[]): boolean {
  let text = texts.get(job);
  if (text === undefined) {
    const { message, jobId, workerId, sessionId, requestedBy, error, errorType, reason } = job;
    text = [message, jobId, workerId, sessionId, requestedBy, error, errorType, reason]
      .filter((part) => part !== undefined)
      .join("\n")
      .toLowerCase();
    texts.set(job, text);
  }
  return words.every((word) => text.includes(word));
}
