import { AsyncLocalStorage } from "node:async_hooks";
import { invalidArgument, OrchestraError } from "../errors.ts";
import { startDeadline } from "../job/deadline.ts";
import { isTerminal, type Job } from "../job/job.ts";
import { failureOf, TIMEOUT } from "../job/job-failure.ts";
import type { CreateJobInput, JobProgressInput } from "../job/job-input.ts";
import type { WorkerJobRegistry } from "../job/registry.ts";

export interface RunInput extends Omit<CreateJobInput, "queued"> {
  /** Time budget in milliseconds, above 0. Default, and beyond 24.8 days: none. */
  timeoutMs?: number | undefined;
  /** How a job ends that exceeds its budget: failed with `errorType: "timeout"`, or canceled. Default: `fail`. */
  onTimeout?: "fail" | "cancel" | undefined;
  /** Cancels the job when aborted. */
  signal?: AbortSignal | undefined;
}

export interface RunContext {
  /** Aborted when the job is canceled or exceeds its time budget. */
  signal: AbortSignal;
  /** W3C trace context of the job's span, for child processes and outgoing calls. */
  traceparent: string | undefined;
  /** Reports progress; ignored once the job has ended. */
  progress(progress: string | JobProgressInput): void;
}

export type JobWork<R> = (job: Readonly<Job>, context: RunContext) => R | Promise<R>;

export interface JobRunner {
  /**
   * Creates a job, runs `work` inside its span and settles it: a return completes it (a string is its
   * response), a throw fails it, an abort or `registry.cancel` cancels it. A job run inside another's
   * work is that job's child.
   * @throws what `work` threw; JOB_TIMEOUT; the signal's reason when the job was canceled;
   *   INVALID_ARGUMENT or DUPLICATE_JOB, or a signal's reason that was aborted before, or CLOSED after
   *   `stop`: then no job was made
   */
  run<R>(input: RunInput, work: JobWork<R>): Promise<R>;
  /** Takes no more work. What is under way goes on, and can be canceled until it has ended. Idempotent. */
  stop(): void;
}

/** How work gets at its job's span. */
export interface JobSpans {
  within<T>(jobId: string, fn: () => T): T;
  traceparent(jobId: string): string | undefined;
}

export function createJobRunner(registry: WorkerJobRegistry, spans: JobSpans): JobRunner {
  const running = new Map<string, JobRun>();
  const currentJob = new AsyncLocalStorage<string>();
  const off = registry.onJobEvent((job, event) => {
    if (event === "canceled") running.get(job.id)?.canceled(job);
  });
  let stopped = false;
  const letGoWhenIdle = () => {
    if (stopped && running.size === 0) off();
  };
  return {
    stop: () => {
      stopped = true;
      letGoWhenIdle();
    },
    run: async (input, work) => {
      if (stopped) throw new OrchestraError("CLOSED", "The runner was stopped and takes no more work");
      const { timeoutMs, onTimeout, signal, ...create } = input;
      if (typeof work !== "function") throw invalidArgument("work", "a function", work);
      if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
        throw invalidArgument("timeoutMs", "a number above 0", timeoutMs);
      }
      signal?.throwIfAborted();
      const parentJobId = create.parentJobId ?? currentJob.getStore();
      const job = registry.create({ ...create, parentJobId, queued: false });
      const run = new JobRun(registry, job.id, spans.traceparent(job.id));
      running.set(job.id, run);
      const release = run.watch(input);
      try {
        return await run.settle(() =>
          currentJob.run(job.id, () => spans.within(job.id, () => work(job, run))),
        );
      } finally {
        release();
        running.delete(job.id);
        letGoWhenIdle();
      }
    },
  };
}

/** One piece of work and its job. Whoever ends the job first wins: the work, its budget, or a cancel. */
class JobRun implements RunContext {
  readonly traceparent: string | undefined;
  readonly #registry: WorkerJobRegistry;
  readonly #id: string;
  readonly #controller = new AbortController();

  constructor(registry: WorkerJobRegistry, id: string, traceparent: string | undefined) {
    this.#registry = registry;
    this.#id = id;
    this.traceparent = traceparent;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  // A field, so that work may take it apart from its context.
  readonly progress = (update: string | JobProgressInput): void => {
    const progress = typeof update === "string" ? { message: update } : update;
    this.#whileOpen(() => this.#registry.updateProgress(this.#id, progress));
  };

  /** Ends the job on the caller's signal or past its budget, until the returned function is called. */
  watch({ signal, timeoutMs, onTimeout }: RunInput): () => void {
    const onAbort = () => this.#abort(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    // A listener may have ended the job, or aborted the signal, as soon as it was created.
    if (!this.#isOpen()) this.canceled(this.#registry.get(this.#id));
    else if (signal?.aborted) onAbort();
    const stopDeadline = startDeadline(timeoutMs, () => this.#exceed(timeoutMs, onTimeout));
    return () => {
      stopDeadline();
      signal?.removeEventListener("abort", onAbort);
    };
  }

  async settle<R>(execute: () => R | Promise<R>): Promise<R> {
    try {
      this.signal.throwIfAborted();
      const result = await Promise.race([rejection(this.signal), (async () => execute())()]);
      const response = typeof result === "string" ? { responseText: result } : {};
      this.#whileOpen(() => this.#registry.setResult(this.#id, response));
      return result;
    } catch (error) {
      this.#whileOpen(() => this.#registry.setError(this.#id, { error }));
      throw error;
    }
  }

  canceled(job: Readonly<Job> | undefined): void {
    this.#controller.abort(new DOMException(job?.reason ?? "The job was canceled", "AbortError"));
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#whileOpen(() => this.#registry.cancel(this.#id, { reason: failureOf(reason).error }));
  }

  #exceed(timeoutMs: number | undefined, onTimeout: RunInput["onTimeout"]): void {
    if (!this.#isOpen()) return;
    const error = new OrchestraError("JOB_TIMEOUT", `Time budget of ${timeoutMs} ms exceeded`);
    this.#controller.abort(error);
    // The work may have settled its job as it heard of the abort.
    this.#whileOpen(() =>
      onTimeout === "cancel"
        ? this.#registry.cancel(this.#id, { reason: error.message })
        : this.#registry.setError(this.#id, { error, errorType: TIMEOUT }),
    );
  }

  #whileOpen(change: () => void): void {
    if (this.#isOpen()) change();
  }

  #isOpen(): boolean {
    const job = this.#registry.get(this.#id);
    return job !== undefined && !isTerminal(job.status);
  }
}

/** Rejects with the signal's reason when it aborts; that nobody may be listening is fine. */
function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  promise.catch(() => {});
  return promise;
}
