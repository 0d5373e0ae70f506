import { OrchestraError } from "../errors.ts";
import { startDeadline } from "./deadline.ts";
import type { Job } from "./job.ts";

export interface JobAwaitOptions {
  /** Milliseconds, after which AWAIT_TIMEOUT is thrown. Default, and beyond 24.8 days: never. */
  timeoutMs?: number;
  /** Ends the waiting, not the job. */
  signal?: AbortSignal;
}

type OnEnd = (job: Readonly<Job>) => void;

/** Those who wait for jobs to end. However the waiting ends, nothing of it stays behind. */
export class JobWaiters {
  readonly #waiting = new Map<string, Set<OnEnd>>();

  wait(id: string, { timeoutMs, signal }: JobAwaitOptions): Promise<Readonly<Job>> {
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Job>>();
    const onAbort = () => reject(signal?.reason);
    const stopDeadline = startDeadline(timeoutMs, () =>
      reject(new OrchestraError("AWAIT_TIMEOUT", `Job \`${id}\` did not end within ${timeoutMs} ms`)),
    );
    signal?.addEventListener("abort", onAbort);
    this.#add(id, resolve);
    return promise.finally(() => {
      stopDeadline();
      signal?.removeEventListener("abort", onAbort);
      this.#remove(id, resolve);
    });
  }

  tell(job: Readonly<Job>): void {
    const waiting = this.#waiting.get(job.id) ?? [];
    this.#waiting.delete(job.id);
    for (const onEnd of waiting) onEnd(job);
  }

  #add(id: string, onEnd: OnEnd): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#waiting.set(id, new Set([onEnd]));
    else waiting.add(onEnd);
  }

  #remove(id: string, onEnd: OnEnd): void {
    const waiting = this.#waiting.get(id);
    waiting?.delete(onEnd);
    if (waiting?.size === 0) this.#waiting.delete(id);
  }
}
