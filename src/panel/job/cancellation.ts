import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal, type JobStatus } from "../../job/job.ts";
import { BridgeError } from "../bridge-api.ts";

/** What has become of a request to cancel a job. */
export type Cancellation =
  | { step: "asking" }
  /** The bridge has passed it on; the job has not ended yet. */
  | { step: "asked"; at: number }
  | { step: "ended"; job: Pick<JobSnapshot, "status"> }
  | { step: "sign-in" }
  | { step: "refused"; why: string }
  /** Whether it has reached the bridge is not known. */
  | { step: "unanswered" }
  /** The bridge does not hold the job any more. */
  | { step: "gone" };

/** Those in which the end of the job would be news. */
const OPEN_STEPS: readonly Cancellation["step"][] = ["asking", "asked", "unanswered", "gone"];

/** What a job that was asked to end has become. */
export function followed(before: Cancellation, job: Pick<JobSnapshot, "status">): Cancellation {
  return OPEN_STEPS.includes(before.step) && isTerminal(job.status) ? { step: "ended", job } : before;
}

/** What the answer to the request says. */
export function refusal(error: unknown): Cancellation {
  if (!(error instanceof BridgeError)) return { step: "unanswered" };
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

const ENDS: Readonly<Record<JobStatus, string>> = {
  queued: "The job is queued.",
  running: "The job is running.",
  succeeded: "The job succeeded before it could be canceled.",
  failed: "The job failed before it could be canceled.",
  canceled: "The job was canceled.",
};

/** All that is known, in a sentence. */
export function answerText(progress: Cancellation): string {
  switch (progress.step) {
    case "asking":
      return "Asking …";
    case "asked":
      return "The worker was asked to stop. The job has not ended yet.";
    case "ended":
      return ENDS[progress.job.status];
    case "sign-in":
      return "This needs the token.";
    case "refused":
      return progress.why;
    case "unanswered":
      return "The server does not answer. The job may go on: see whether the server still runs, and try again.";
    case "gone":
      return "The server holds this job no longer. How it ended is not known.";
  }
}

/** The same in two or three words. */
export function titleOf(progress: Cancellation | undefined): string {
  switch (progress?.step) {
    case undefined:
      return "Cancel this job?";
    case "ended":
      return `Job ${progress.job.status}`;
    case "refused":
      return "Job not canceled";
    case "unanswered":
      return "No answer";
    case "gone":
      return "Job gone";
    default:
      return "Canceling the job";
  }
}
