import { AsyncLocalStorage } from "node:async_hooks";
import { invalidArgument, OrchestraError } from "../errors.ts";
import { isTerminal, type Job } from "../job/job.ts";
import { failureOf } from "../job/job-failure.ts";
import type { CreateJobInput, JobProgressInput } from "../job/job-input.ts";
import type { WorkerJobRegistry } from "../job/registry.ts";

export interface RunInput extends Omit<CreateJobInput, "queued"> {
  /** Time budget in milliseconds. Default: none. */
  timeoutMs?: number | undefined;
  /** How a job ends that exceeds its budget: failed with `errorType: "timeout"`, or canceled. Default: `fail`. */
  onTimeout?: "fail" | "cancel" | undefined;
  /** Cancels the job when aborted. */
  signal?: AbortSignal | undefined;
}

export interface RunContext {
  /** Aborted when the job is canceled or exceeds its time budget. */
  signal: AbortSignal;
  /** Reports progress; ignored once the job has ended. */
  progress(progress: string | JobProgressInput): void;
}

export type JobWork<R> = (job: Readonly<Job>, context: RunContext) => R | Promise<R>;

export interface JobRunner {
  /**
   * Creates a job, runs `work` inside its span and settles it: a return completes it (a string is its
   * response), a throw fails it, an abort or `registry.cancel` cancels it. A job run inside another's
   * work is that job's child.
   * @throws what `work` threw; JOB_TIMEOUT; the signal's reason when the job was canceled
   */
  run<R>(input: RunInput, work: JobWork<R>): Promise<R>;
  /** Stops listening for cancellations. */
  stop(): void;
}

const currentJob = new AsyncLocalStorage<string>();

/** @param within runs a function inside a job's span: a tracer's `within` */
export function createJobRunner(
  registry: WorkerJobRegistry,
  within: <T>(jobId: string, fn: () => T) => T,
): JobRunner {
  const running = new Map<string, AbortController>();
  const stop = registry.onJobEvent((job, event) => {
    if (event !== "canceled") return;
    running.get(job.id)?.abort(new DOMException(job.reason ?? "The job was canceled", "AbortError"));
  });
  return {
    stop,
    run: async (input, work) => {
      const { timeoutMs, onTimeout = "fail", signal, ...create } = input;
      if (timeoutMs !== undefined && !(timeoutMs > 0)) {
        throw invalidArgument("timeoutMs", "a number above 0", timeoutMs);
      }
      signal?.throwIfAborted();
      const job = registry.create({ parentJobId: currentJob.getStore(), ...create });
      const controller = new AbortController();
      running.set(job.id, controller);
      const run = new JobRun(registry, job, controller);
      const onAbort = () => run.abort(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      const timer =
        timeoutMs === undefined ? undefined : setTimeout(() => run.exceed(timeoutMs, onTimeout), timeoutMs);
      timer?.unref();
      try {
        return await run.settle(() => currentJob.run(job.id, () => within(job.id, () => work(job, run))));
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        running.delete(job.id);
      }
    },
  };
}

/** One piece of work and its job. Whoever ends the job first wins: the work, its budget, or a cancel. */
class JobRun implements RunContext {
  readonly signal: AbortSignal;
  readonly #registry: WorkerJobRegistry;
  readonly #id: string;
  readonly #controller: AbortController;

  constructor(registry: WorkerJobRegistry, job: Readonly<Job>, controller: AbortController) {
    this.signal = controller.signal;
    this.#registry = registry;
    this.#id = job.id;
    this.#controller = controller;
  }

  // A field, so that work may take it apart from its context.
  readonly progress = (update: string | JobProgressInput): void => {
    const progress = typeof update === "string" ? { message: update } : update;
    this.#whileOpen(() => this.#registry.updateProgress(this.#id, progress));
  };

  async settle<R>(execute: () => R | Promise<R>): Promise<R> {
    try {
      const result = await Promise.race([rejection(this.signal), (async () => execute())()]);
      const response = typeof result === "string" ? { responseText: result } : {};
      this.#whileOpen(() => this.#registry.setResult(this.#id, response));
      return result;
    } catch (error) {
      this.#whileOpen(() => this.#registry.setError(this.#id, { error }));
      throw error;
    }
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#whileOpen(() => this.#registry.cancel(this.#id, { reason: failureOf(reason).error }));
  }

  exceed(timeoutMs: number, onTimeout: "fail" | "cancel"): void {
    const error = new OrchestraError("JOB_TIMEOUT", `Time budget of ${timeoutMs} ms exceeded`);
    this.#controller.abort(error);
    this.#whileOpen(() =>
      onTimeout === "cancel"
        ? this.#registry.cancel(this.#id, { reason: error.message })
        : this.#registry.setError(this.#id, { error, errorType: "timeout" }),
    );
  }

  #whileOpen(change: () => void): void {
    const job = this.#registry.get(this.#id);
    if (job !== undefined && !isTerminal(job.status)) change();
  }
}

/** Rejects with the signal's reason when it aborts; that nobody may be listening is fine. */
function rejection(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  return aborted;
}
