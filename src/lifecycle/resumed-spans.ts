import type { JobCreated, JobEnded, JobProgressed, JobStarted, JobTracer, OpenedSpan } from "./job-tracer.ts";

/**
 * The tracer of a process in which jobs go on that another process began. Each of these has its span open
 * with a tracer of its own, until it ends; all other jobs have one in common.
 */
export class ResumedSpans implements JobTracer {
  readonly #common: JobTracer;
  readonly #resumed = new Map<string, JobTracer>();

  constructor(common: JobTracer) {
    this.#common = common;
  }

  /** From now on what is told of a job goes to `tracer`, which has its span open. */
  add(jobId: string, tracer: JobTracer): void {
    this.#resumed.set(jobId, tracer);
  }

  open(job: JobCreated, parent?: string): OpenedSpan {
    return this.#tracerOf(job.jobId).open(job, parent);
  }

  start(job: JobStarted): void {
    this.#tracerOf(job.jobId).start(job);
  }

  annotate(progress: JobProgressed): void {
    this.#tracerOf(progress.jobId).annotate(progress);
  }

  close(end: JobEnded): void {
    const tracer = this.#tracerOf(end.jobId);
    this.#resumed.delete(end.jobId);
    tracer.close(end);
  }

  within<T>(jobId: string, fn: () => T): T {
    return this.#tracerOf(jobId).within(jobId, fn);
  }

  #tracerOf(jobId: string): JobTracer {
    return this.#resumed.get(jobId) ?? this.#common;
  }
}
