import { invalidArgument } from "../errors.ts";
import type { Job, JobEventHandler, JobEventKind } from "./job.ts";

type Occurrence = readonly [job: Readonly<Job>, event: JobEventKind];

/** Handlers that cause events of other jobs, whose handlers cause more, use up the stack. */
const MAX_DEPTH = 50;

/**
 * The `onJobEvent` handlers of one registry. A handler that throws or rejects is counted and reported,
 * and neither the caller nor another handler notices. Every handler sees a job's events in order: those
 * that a handler causes wait until the job's event at hand has reached everyone. Events of other jobs
 * are delivered at once, so that who causes them can rely on what the handlers bring about.
 */
export class JobListeners {
  readonly #handlers = new Set<JobEventHandler>();
  /** By the id of each job whose events are being delivered: those that wait for their turn. */
  readonly #waiting = new Map<string, Occurrence[]>();
  /** Ids of jobs whose first waiting event came too deep; the outermost delivery sees to them. */
  readonly #postponed: string[] = [];
  readonly #onError: (error: unknown) => void;
  #depth = 0;
  #errors = 0;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get errors(): number {
    return this.#errors;
  }

  add(handler: JobEventHandler): () => void {
    if (typeof handler !== "function") throw invalidArgument("handler", "a function", handler);
    // A wrapper of its own makes each subscription distinct, so that `off` ends exactly this one.
    const subscription: JobEventHandler = (job, event) => handler(job, event);
    this.#handlers.add(subscription);
    return () => void this.#handlers.delete(subscription);
  }

  emit(job: Readonly<Job>, event: JobEventKind): void {
    const waiting = this.#waiting.get(job.id);
    if (waiting !== undefined) {
      waiting.push([job, event]);
      return;
    }
    this.#waiting.set(job.id, [[job, event]]);
    if (this.#depth === MAX_DEPTH) {
      this.#postponed.push(job.id);
      return;
    }
    this.#depth++;
    this.#deliverAll(job.id);
    if (this.#depth === 1) this.#catchUp();
    this.#depth--;
  }

  #deliverAll(jobId: string): void {
    const waiting = this.#waiting.get(jobId) as Occurrence[];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) this.#deliver(...next);
    this.#waiting.delete(jobId);
  }

  #catchUp(): void {
    for (let id = this.#postponed.shift(); id !== undefined; id = this.#postponed.shift()) {
      this.#deliverAll(id);
    }
  }

  #deliver(job: Readonly<Job>, event: JobEventKind): void {
    // A copy, or a handler that subscribes another for each event would never come to an end.
    for (const handler of [...this.#handlers]) {
      if (!this.#handlers.has(handler)) continue;
      try {
        const returned: unknown = handler(job, event);
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#fail(error));
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #fail(error: unknown): void {
    this.#errors++;
    try {
      this.#onError(error);
    } catch {
      // The host's own error hook failing must not reach the host's job either.
    }
  }
}
