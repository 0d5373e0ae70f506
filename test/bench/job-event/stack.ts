/** The progress updates of each job; with its beginning and its end they make its events. */
export const UPDATES_PER_JOB = 5;
export const EVENTS_PER_JOB = UPDATES_PER_JOB + 2;

/** One way of turning a job's callbacks into a span, log lines and a live feed. */
export interface Stack {
  name: string;
  spansPerJob: number;
  /** Where its feed can be followed. */
  feedUrl: string;
  create(): string;
  updateProgress(jobId: string, step: number): void;
  complete(jobId: string): void;
  /** Resolves when all spans have been handed over and all lines are in the file. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export const TASK = "Review the open changes of the queue and say what would break under load";
export const RESPONSE = "Two findings, both minor: no test for the empty queue, and a name that misleads.";

export function stepMessage(step: number): string {
  return `Reading file ${step} of ${UPDATES_PER_JOB}, looking for unbounded growth`;
}

export function percentOf(step: number): number {
  return (step * 100) / UPDATES_PER_JOB;
}

export const WORKER_ID = "reviewer";
export const SESSION_ID = "ses_01HZX4T8Q2";
