import { OrchestraError, reasonOf, unexpected } from "./errors.ts";
import type { JobTable } from "./event/job-table.ts";
import type { CancelRequest, CancelRequests } from "./event-log/sqlite-cancel-requests.ts";
import { isTerminal, type JobStatus } from "./job/job.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";

export interface CancelingParts {
  registry: WorkerJobRegistry;
  /** The jobs that the log tells of, whoever runs them. */
  jobs: Pick<JobTable, "get">;
  /** From and to others that share a file with us; undefined without one. */
  requests: Pick<CancelRequests, "ask" | "watch"> | undefined;
}

/** @throws UNKNOWN_JOB, ILLEGAL_TRANSITION; UNAVAILABLE when the process that runs the job cannot be asked */
export type CancelJob = (jobId: string, reason: string | undefined) => void;

/** Cancels our jobs when others ask for it. What it returns cancels a job of ours, or asks who runs it. */
export function connectCanceling({ registry, jobs, requests }: CancelingParts): CancelJob {
  requests?.watch((request) => cancelIfPossible(registry, request));
  return (jobId, reason) => {
    const own = registry.get(jobId)?.status;
    // Another process may run the id of a job of ours again.
    if (own !== undefined && !isTerminal(own)) registry.cancel(jobId, { reason });
    else if (requests === undefined || !isAsked(requests, { jobId, reason })) {
      refuse(jobId, own ?? jobs.get(jobId)?.status);
    }
  };
}

/** One that has ended meanwhile, or is in a registry that we only observe, goes on as it would have. */
function cancelIfPossible(registry: WorkerJobRegistry, { jobId, reason }: CancelRequest): void {
  try {
    registry.cancel(jobId, { reason });
  } catch {
    // Who asked sees in the feed what becomes of the job.
  }
}

function isAsked(requests: Pick<CancelRequests, "ask">, { jobId, reason }: CancelRequest): boolean {
  try {
    return requests.ask(jobId, reason);
  } catch (cause) {
    const message = `The process that runs the job cannot be asked now: ${reasonOf(cause)}`;
    throw new OrchestraError("UNAVAILABLE", message, { cause });
  }
}

function refuse(jobId: string, status: JobStatus | undefined): never {
  if (status === undefined || !isTerminal(status)) {
    throw unexpected("UNKNOWN_JOB", "id", "the id of a job that runs where it can be canceled", jobId);
  }
  throw unexpected("ILLEGAL_TRANSITION", "status", "one that can become `canceled`", status);
}
