import type { OpenCodeError } from "./opencode-facts.ts";

/** How a run ended. */
export type Outcome =
  | { kind: "succeeded" }
  | { kind: "failed"; error: OpenCodeError }
  | { kind: "canceled"; reason: string };

/** What is known of a run when its session falls idle. */
export interface RunState {
  error: OpenCodeError | undefined;
  /** The last call of the model; undefined when there was none. */
  step:
    | {
        isComplete: boolean;
        finish: string | undefined;
        /** A tool that it asked for has given its result. */
        hasResult: boolean;
        /** A tool that it asked for was not allowed. */
        isRejected: boolean;
      }
    | undefined;
}

/** Why a job is canceled when nobody says. */
export const ABORT_REASON = "aborted";

const ABORTED: Outcome = { kind: "canceled", reason: ABORT_REASON };

/** The end of what was not allowed. */
export const REJECTED: Outcome = { kind: "canceled", reason: "permission rejected" };

/**
 * OpenCode does not say how a run ended, only that it did. A run that was aborted while it waited for its
 * next attempt leaves a call that is complete and yet has neither a finish nor an error.
 */
export function outcomeOf({ error, step }: RunState): Outcome {
  if (error !== undefined) return isAbort(error) ? ABORTED : { kind: "failed", error };
  if (step === undefined || !step.isComplete) return ABORTED;
  // A command of the user's own is a tool's result that no model asked for.
  if (step.finish === undefined && !step.hasResult) return ABORTED;
  return step.isRejected ? REJECTED : { kind: "succeeded" };
}

export function isAbort(error: OpenCodeError): boolean {
  return error.name === "MessageAbortedError";
}
