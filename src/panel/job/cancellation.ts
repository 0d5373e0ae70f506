import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal } from "../../job/job.ts";
import { BridgeError } from "../bridge-api.ts";

export type Cancellation =
  | { step: "asking" }
  /** The bridge has passed it on; the job has not ended yet. */
  | { step: "asked"; at: number }
  | { step: "ended"; job: JobSnapshot }
  | { step: "sign-in" }
  | { step: "refused"; why: string };

/** What a job that was asked to end has become. */
export function followed(before: Cancellation, job: JobSnapshot): Cancellation {
  const isOver = before.step === "asked" || before.step === "asking";
  return isOver && isTerminal(job.status) ? { step: "ended", job } : before;
}

/** What the answer to the request says. */
export function refusal(error: unknown): Cancellation {
  if (!(error instanceof BridgeError)) {
    return { step: "refused", why: "The server cannot be reached. The job may go on." };
  }
  switch (error.code) {
    case "UNAUTHORIZED":
      return { step: "sign-in" };
    case "ILLEGAL_TRANSITION":
      return { step: "refused", why: "The job had ended before." };
    case "UNKNOWN_JOB":
      return {
        step: "refused",
        why: "This server only hears of the job: it has to be canceled by the program that runs it.",
      };
    case "NOT_FOUND":
      return { step: "refused", why: "This server cannot cancel jobs: it only shows them." };
    default:
      return { step: "refused", why: error.message };
  }
}

const ENDS = {
  queued: "The job is queued.",
  running: "The job is running.",
  succeeded: "The job succeeded before it could be canceled.",
  failed: "The job failed before it could be canceled.",
  canceled: "The job was canceled.",
} as const;

/** How a job really ended that somebody wanted to end. */
export function endText({ status }: JobSnapshot): string {
  return ENDS[status];
}
