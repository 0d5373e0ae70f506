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
  /** Told of requests for jobs that are not in the registry. */
  onError: (error: unknown, where: string) => void;
}

/** @throws UNKNOWN_JOB, ILLEGAL_TRANSITION; UNAVAILABLE when the process that runs the job cannot be asked */
export type CancelJob = (jobId: string, reason: string | undefined) => void;

/** Cancels our jobs when others ask for it. What it returns cancels a job of ours, or asks who runs it. */
export function connectCanceling({ registry, jobs, requests, onError }: CancelingParts): CancelJob {
  requests?.watch((request) => {
    try {
      cancelUnlessOver(registry, request);
    } catch (error) {
      onError(error, "canceling");
    }
  });
  return (jobId, reason) => {
    if (registry.get(jobId) !== undefined) registry.cancel(jobId, { reason });
    else if (requests === undefined || !isAsked(requests, { jobId, reason }))
      refuse(jobId, jobs.get(jobId)?.status);
  };
}

/** One that has ended meanwhile is no trouble for anybody. */
function cancelUnlessOver(registry: WorkerJobRegistry, { jobId, reason }: CancelRequest): void {
  const job = registry.get(jobId);
  if (job === undefined || !isTerminal(job.status)) registry.cancel(jobId, { reason });
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
