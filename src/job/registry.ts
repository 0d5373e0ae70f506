import { invalidArgument, type OrchestraError, unexpected } from "../errors.ts";
import { FifoMap } from "../fifo-map.ts";
import {
  canTransition,
  isTerminal,
  JOB_STATUSES,
  type Job,
  type JobEventHandler,
  type JobEventKind,
  type JobReport,
  type JobStatus,
  type JobWorkflow,
  type OpenJob,
} from "./job.ts";
import { failureOf } from "./job-failure.ts";
import {
  type CreateJobInput,
  checkCreateInput,
  type JobCancelInput,
  type JobErrorInput,
  type JobProgressInput,
  type JobResultInput,
  optionalString,
  progressOf,
  reportOf,
  requireObject,
} from "./job-input.ts";
import { JobListeners } from "./job-listeners.ts";
import { type JobAwaitOptions, JobWaiters } from "./job-waiters.ts";

export interface WorkerJobRegistryOptions {
  /** Finished jobs kept; 0 keeps none. Default: 200. */
  maxFinished?: number;
  /** How long a finished job is kept, in milliseconds. Default: 24 hours. */
  maxFinishedAgeMs?: number;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: () => number;
  /** Default: a random UUID. */
  createId?: () => string;
  /** Told what an `onJobEvent` handler threw. Default: it is only counted. */
  onListenerError?: (error: unknown) => void;
}

export interface JobListFilter {
  status?: JobStatus;
  workerId?: string;
  sessionId?: string;
  /** At most this many, newest first. Default: all that are held. */
  limit?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The only writer of job state. Each change replaces the job's record, so a record once handed out
 * stays as it was, and calls every `onJobEvent` handler with the new one.
 *
 * An illegal call (unknown id, change after the end, bad value) throws an `OrchestraError` and
 * changes nothing. Every handler sees each job's events in order: when a handler changes the job it was
 * told of, that is delivered after the event at hand; a change of another job is delivered at once.
 */
export class WorkerJobRegistry {
  readonly #open = new Map<string, Readonly<Job>>();
  /** In the order of their last change, so that the oldest is the first to go. */
  readonly #finished = new FifoMap<string, Readonly<Job>>();
  /** Ids announced by `adopt` and not resumed yet. */
  readonly #adopted = new Set<string>();
  readonly #waiters = new JobWaiters();
  readonly #listeners: JobListeners;
  readonly #maxFinished: number;
  readonly #maxFinishedAgeMs: number;
  readonly #now: () => number;
  readonly #createId: () => string;

  constructor(options: WorkerJobRegistryOptions = {}) {
    this.#maxFinished = requireLimit("maxFinished", options.maxFinished ?? 200);
    this.#maxFinishedAgeMs = requireLimit("maxFinishedAgeMs", options.maxFinishedAgeMs ?? DAY_MS);
    this.#now = options.now ?? Date.now;
    this.#createId = options.createId ?? (() => crypto.randomUUID());
    this.#listeners = new JobListeners(options.onListenerError ?? (() => {}));
  }

  /** Errors thrown by `onJobEvent` handlers since the start. */
  get listenerErrors(): number {
    return this.#listeners.errors;
  }

  /** @throws INVALID_ARGUMENT, DUPLICATE_JOB */
  create(input: CreateJobInput): Readonly<Job> {
    checkCreateInput(input);
    const id = input.id ?? this.#createId();
    if (this.get(id) !== undefined) throw unexpected("DUPLICATE_JOB", "id", "new among the held jobs", id);
    const now = this.#now();
    const queued = input.queued === true;
    const job = this.#hold({
      ...input,
      id,
      status: queued ? "queued" : "running",
      queuedAt: queued ? now : undefined,
      startedAt: now,
      updatedAt: now,
    });
    this.#listeners.emit(job, "created");
    return job;
  }

  /**
   * Announces that this process goes on with a job that an earlier one left open. Call it before
   * `startTelemetry`, whose recovery then resumes the job instead of ending it as interrupted, and warns
   * when there is no such job.
   * @throws INVALID_ARGUMENT, DUPLICATE_JOB
   */
  adopt(id: string): void {
    if (typeof id !== "string" || id === "") throw invalidArgument("id", "a non-empty string", id);
    if (this.get(id) !== undefined) throw unexpected("DUPLICATE_JOB", "id", "new among the held jobs", id);
    this.#adopted.add(id);
  }

  /** Whether a job was announced by `adopt` and not resumed yet. @internal */
  isAdopted(id: string): boolean {
    return this.#adopted.has(id);
  }

  /** The ids announced by `adopt` and not resumed yet. @internal */
  get adopted(): readonly string[] {
    return [...this.#adopted];
  }

  /**
   * Holds a job that was announced by `adopt`, as the log has it. Nothing happened to it, so no handler
   * is called. Returns undefined for a job that was not announced.
   * @internal
   */
  resume(job: OpenJob): Readonly<Job> | undefined {
    if (!this.#adopted.delete(job.id)) return undefined;
    return this.#hold(job);
  }

  /** A queued job was picked up by its worker. @throws UNKNOWN_JOB, ILLEGAL_TRANSITION */
  start(id: string): Readonly<Job> {
    const job = this.#require(id, "running");
    // A wall clock that was set back must not yield a start before the creation.
    const now = Math.max(this.#now(), job.startedAt);
    return this.#replace({ ...job, status: "running", startedAt: now, updatedAt: now }, "started");
  }

  /** @throws UNKNOWN_JOB, ILLEGAL_TRANSITION, INVALID_ARGUMENT */
  updateProgress(id: string, progress: JobProgressInput): Readonly<Job> {
    const job = this.#require(id);
    if (job.status !== "running") throw illegal(job, "take progress", ["running"]);
    const updatedAt = this.#now();
    return this.#replace({ ...job, updatedAt, progress: progressOf(progress, updatedAt) }, "progress");
  }

  /** The job ended well. @throws UNKNOWN_JOB, ILLEGAL_TRANSITION, INVALID_ARGUMENT */
  setResult(id: string, result: JobResultInput = {}): Readonly<Job> {
    const job = this.#require(id, "succeeded");
    requireObject("result", result);
    optionalString("responseText", result.responseText);
    return this.#finish(job, "completed", {
      status: "succeeded",
      responseText: result.responseText,
      report: result.report,
    });
  }

  /** The job failed. @throws UNKNOWN_JOB, ILLEGAL_TRANSITION, INVALID_ARGUMENT */
  setError(id: string, failure: JobErrorInput): Readonly<Job> {
    const job = this.#require(id, "failed");
    requireObject("failure", failure);
    optionalString("errorType", failure.errorType);
    const { error, errorType } = failureOf(failure.error);
    return this.#finish(job, "failed", {
      status: "failed",
      error,
      errorType: failure.errorType || errorType,
      report: failure.report,
    });
  }

  /** The job was ended on request. @throws UNKNOWN_JOB, ILLEGAL_TRANSITION, INVALID_ARGUMENT */
  cancel(id: string, cancellation: JobCancelInput = {}): Readonly<Job> {
    const job = this.#require(id, "canceled");
    requireObject("cancellation", cancellation);
    optionalString("reason", cancellation.reason);
    return this.#finish(job, "canceled", {
      status: "canceled",
      reason: cancellation.reason,
      report: cancellation.report,
    });
  }

  /**
   * Adds the worker's own report. Before the end it is kept for the terminal event; after it, it is
   * told by a `reported` event. @throws UNKNOWN_JOB, INVALID_ARGUMENT
   */
  attachReport(id: string, report: JobReport): Readonly<Job> {
    const job = this.#require(id);
    const reported = Object.freeze({ ...job, report: reportOf(report), updatedAt: this.#now() });
    if (isTerminal(job.status)) {
      // To the end again, as the order is that of the last change.
      this.#finished.renew(id, reported);
      this.#listeners.emit(reported, "reported");
    } else {
      this.#open.set(id, reported);
    }
    return reported;
  }

  /**
   * Resolves with the job once it has ended, however it ended. Does not keep the process alive.
   * @throws UNKNOWN_JOB; AWAIT_TIMEOUT after `timeoutMs` (default: never); the signal's reason
   */
  async await(id: string, options: JobAwaitOptions = {}): Promise<Readonly<Job>> {
    options.signal?.throwIfAborted();
    if (options.timeoutMs !== undefined) requireLimit("timeoutMs", options.timeoutMs);
    const job = this.#require(id);
    return isTerminal(job.status) ? job : this.#waiters.wait(id, options);
  }

  get(id: string): Readonly<Job> | undefined {
    const open = this.#open.get(id);
    if (open !== undefined) return open;
    this.#evict();
    return this.#finished.get(id);
  }

  /** Held jobs, newest first. @throws INVALID_ARGUMENT */
  list(filter: JobListFilter = {}): Readonly<Job>[] {
    const { status, workerId, sessionId, limit } = filter;
    if (status !== undefined && !JOB_STATUSES.includes(status)) {
      throw invalidArgument("status", `one of ${JOB_STATUSES.join(", ")}`, status);
    }
    if (limit !== undefined) requireLimit("limit", limit);
    this.#evict();
    return [...this.#finished.values(), ...this.#open.values()]
      .reverse()
      .filter(
        (job) =>
          (status === undefined || job.status === status) &&
          (workerId === undefined || job.workerId === workerId) &&
          (sessionId === undefined || job.sessionId === sessionId),
      )
      .sort((a, b) => b.startedAt - a.startedAt)
      .slice(0, limit);
  }

  /** Calls `handler` after each change of any job, until the returned function is called. */
  onJobEvent(handler: JobEventHandler): () => void {
    return this.#listeners.add(handler);
  }

  /** @throws UNKNOWN_JOB, ILLEGAL_TRANSITION when the job cannot go to `target` */
  #require(id: string, target?: JobStatus): Readonly<Job> {
    const job = this.get(id);
    if (job === undefined) throw unexpected("UNKNOWN_JOB", "id", "that of a held job", id);
    if (target !== undefined && !canTransition(job.status, target)) {
      const allowed = JOB_STATUSES.filter((status) => canTransition(status, target));
      throw illegal(job, `become ${target}`, allowed);
    }
    return job;
  }

  #hold(job: OpenJob): Readonly<Job> {
    const held: Readonly<Job> = Object.freeze({
      id: job.id,
      workerId: job.workerId,
      sessionId: job.sessionId,
      requestedBy: job.requestedBy,
      parentJobId: job.parentJobId,
      workflow: job.workflow && workflowOf(job.workflow),
      attempt: job.attempt,
      message: job.message,
      traceparent: job.traceparent,
      status: job.status,
      queuedAt: job.queuedAt,
      startedAt: job.startedAt,
      updatedAt: job.updatedAt,
      finishedAt: undefined,
      durationMs: undefined,
      progress: undefined,
      responseText: undefined,
      error: undefined,
      errorType: undefined,
      reason: undefined,
      report: undefined,
    } satisfies Job);
    this.#open.set(held.id, held);
    return held;
  }

  #replace(changed: Job, event: JobEventKind): Readonly<Job> {
    const job = Object.freeze(changed);
    this.#open.set(job.id, job);
    this.#listeners.emit(job, event);
    return job;
  }

  #finish(job: Readonly<Job>, event: JobEventKind, end: Partial<Job>): Readonly<Job> {
    const report = end.report === undefined ? job.report : reportOf(end.report);
    // A wall clock that was set back must not yield an end before the beginning.
    const finishedAt = Math.max(this.#now(), job.startedAt);
    const ended: Readonly<Job> = Object.freeze({
      ...job,
      ...end,
      report,
      updatedAt: finishedAt,
      finishedAt,
      durationMs: finishedAt - job.startedAt,
    });
    this.#open.delete(job.id);
    this.#finished.set(job.id, ended);
    this.#listeners.emit(ended, event);
    this.#waiters.tell(ended);
    this.#evict();
    return ended;
  }

  #evict(): void {
    const keptSince = this.#now() - this.#maxFinishedAgeMs;
    for (let job = this.#finished.oldest; job !== undefined; job = this.#finished.oldest) {
      if (this.#finished.size <= this.#maxFinished && job.updatedAt >= keptSince) return;
      this.#finished.deleteOldest();
    }
  }
}

/** The registry that an application and its libraries share unless they make their own. */
export const workerJobs = new WorkerJobRegistry();

function workflowOf({ runId, stepId }: JobWorkflow): JobWorkflow {
  return Object.freeze({ runId, stepId });
}

function illegal(job: Readonly<Job>, change: string, allowed: readonly JobStatus[]): OrchestraError {
  const expected = `${allowed.join(" or ")} for job \`${job.id}\` to ${change}`;
  return unexpected("ILLEGAL_TRANSITION", "status", expected, job.status);
}

function requireLimit(path: string, value: number): number {
  if (!(typeof value === "number" && value >= 0)) throw invalidArgument(path, "a number from 0", value);
  return value;
}
