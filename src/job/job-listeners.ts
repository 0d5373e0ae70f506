import { invalidArgument } from "../errors.ts";
import type { Job, JobEventHandler, JobEventKind } from "./job.ts";

/**
 * The `onJobEvent` handlers of one registry. A handler that throws or rejects is counted and reported,
 * and neither the caller nor another handler notices. Events caused by a handler wait until the one it
 * was called for has reached everyone, so that all handlers see the same order.
 */
export class JobListeners {
  readonly #handlers = new Set<JobEventHandler>();
  readonly #undelivered: [job: Readonly<Job>, event: JobEventKind][] = [];
  readonly #onError: (error: unknown) => void;
  #delivering = false;
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
    if (this.#delivering) {
      this.#undelivered.push([job, event]);
      return;
    }
    this.#delivering = true;
    this.#deliver(job, event);
    for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
      this.#deliver(next[0], next[1]);
    }
    this.#delivering = false;
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
