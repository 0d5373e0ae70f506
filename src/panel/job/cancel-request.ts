import { type ReadonlySignal, signal } from "@preact/signals";
import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { isTerminal } from "../../job/job.ts";
import { BridgeError } from "../bridge-api.ts";
import { type Cancellation, followed, refusal } from "./cancellation.ts";

export interface CancelRequestOptions {
  jobId: string;
  cancel: (jobId: string, reason: string) => Promise<void>;
  /** The job as the bridge knows it. */
  read: (jobId: string) => Promise<{ job: JobSnapshot }>;
  /** Calls back with the events of the job that come. Returns what ends that. */
  watch: (jobId: string, handler: (events: readonly JobEvent[]) => void) => () => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Asks for the end of a job, and follows what really becomes of it, held by the page or not. */
export class CancelRequest {
  readonly #options: CancelRequestOptions;
  readonly #progress = signal<Cancellation | undefined>(undefined);
  readonly #unwatch: () => void;
  #isClosed = false;
  /** Whether an earlier request may have reached the job without an answer. */
  #mayHaveReached = false;

  constructor(options: CancelRequestOptions) {
    this.#options = options;
    this.#unwatch = options.watch(options.jobId, (events) => {
      for (const { data } of events) this.#follow(data);
    });
  }

  /** Undefined until it is made. */
  get progress(): ReadonlySignal<Cancellation | undefined> {
    return this.#progress;
  }

  /** Makes the request; again, if nobody has answered. Never rejects. */
  async ask(reason: string): Promise<void> {
    const { jobId, cancel, now } = this.#options;
    this.#progress.value = { step: "asking" };
    try {
      await cancel(jobId, reason.trim());
      if (this.#step === "asking") this.#enter({ step: "asked", at: now() });
    } catch (error) {
      if (this.#step !== "asking") return;
      const answer = refusal(error);
      this.#enter(answer);
      if (answer.step === "unanswered") this.#mayHaveReached = true;
      if (isAnswer(error, "ILLEGAL_TRANSITION")) await this.#tellEnd();
      if (isAnswer(error, "UNKNOWN_JOB")) await this.#tellWhetherGone();
    }
  }

  /**
   * Asks the bridge what has become of the job: for when its events may have been missed, or the page does not
   * hold it any more. Never rejects.
   */
  async check(): Promise<void> {
    if (this.#step !== "asked") return;
    try {
      this.#follow((await this.#read()).job);
    } catch (error) {
      if (isAnswer(error, "UNKNOWN_JOB") && this.#step === "asked") this.#enter({ step: "gone" });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
  }

  get #step(): Cancellation["step"] | undefined {
    return this.#progress.peek()?.step;
  }

  #read(): Promise<{ job: JobSnapshot }> {
    return this.#options.read(this.#options.jobId);
  }

  /** How a job ended that had done so before. */
  async #tellEnd(): Promise<void> {
    const answer = await this.#read().catch(() => undefined);
    if (answer === undefined || !isTerminal(answer.job.status) || this.#step !== "refused") return;
    const isCanceled = answer.job.status === "canceled";
    if (isCanceled && this.#mayHaveReached) return this.#follow(answer.job);
    const how = isCanceled ? "was canceled" : answer.job.status;
    this.#enter({ step: "refused", why: `The job had ended before. It ${how}.` });
  }

  /** Who cancels jobs knows its own only: another may run this one, or nobody any more. */
  async #tellWhetherGone(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      if (isAnswer(error, "UNKNOWN_JOB") && this.#step === "refused") this.#enter({ step: "gone" });
    }
  }

  #follow(job: Pick<JobSnapshot, "status">): void {
    const before = this.#progress.peek();
    if (before !== undefined) this.#enter(followed(before, job));
  }

  #enter(progress: Cancellation): void {
    if (!this.#isClosed) this.#progress.value = progress;
  }
}

function isAnswer(error: unknown, code: string): boolean {
  return error instanceof BridgeError && error.code === code;
}
