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
  /** Whether it has reached the bridge is not known, nor what became of it there if the answer was a fault of its. */
  | { step: "unanswered"; status?: number }
  /** The bridge does not hold the job any more. */
  | { step: "gone" };

/** What a job that was asked to end has become, whatever the answer was. */
export function followed(before: Cancellation, job: Pick<JobSnapshot, "status">): Cancellation {
  return before.step !== "ended" && isTerminal(job.status) ? { step: "ended", job } : before;
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
    case "UNAVAILABLE":
      // The bridge has not looked at it.
      return { step: "refused", why: error.message };
    default:
      return error.status >= 500
        ? { step: "unanswered", status: error.status }
        : { step: "refused", why: error.message };
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
      return `${answered(progress.status)} The job may go on: see whether the server still runs, and try again.`;
    case "gone":
      return "The server holds this job no longer. How it ended is not known.";
  }
}

function answered(status: number | undefined): string {
  return status === undefined ? "The server does not answer." : `The server answered with ${status}.`;
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
      return progress.status === undefined ? "No answer" : "No clear answer";
    case "gone":
      return "Job gone";
    default:
      return "Canceling the job";
  }
}
