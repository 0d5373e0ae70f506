import { invalidArgument, OrchestraError } from "../errors.ts";
import { FollowedJobs } from "./followed-jobs.ts";
import { JobFollower, type JobFollowerOptions, type JobFollowerStats } from "./job-follower.ts";
import { type JobEventSource, type JobObserver, listenTo, requireSource } from "./observe.ts";
import type { JobSpans } from "./run.ts";

export type JobObserversOptions = Omit<JobFollowerOptions, "jobs" | "idPrefix">;

export interface ObserveOptions {
  /**
   * Put before this source's job ids, and the ids of their parents, for a source whose ids may be another
   * one's too. Default: nothing.
   */
  idPrefix?: string | undefined;
}

/**
 * The sources that one telemetry observes. A source is followed once at a time, and a job of it is never
 * told twice, however often observing is stopped and begun again. Two sources that use the same job id
 * are told apart: the id is whose it was first.
 */
export class JobObservers {
  readonly #options: JobFollowerOptions;
  readonly #followers = new WeakMap<JobEventSource, { follower: JobFollower; idPrefix: string }>();
  readonly #observed = new Map<JobEventSource, JobObserver>();
  #isClosed = false;

  constructor(options: JobObserversOptions) {
    this.#options = { ...options, jobs: new FollowedJobs(options) };
  }

  /**
   * Follows a source's jobs until it is stopped; a source that is observed already stays as it is.
   * @throws INVALID_ARGUMENT; CLOSED after `close`; what the source throws when it is subscribed to
   */
  observe(source: JobEventSource, { idPrefix = "" }: ObserveOptions = {}): JobObserver {
    requireSource(source);
    if (typeof idPrefix !== "string") throw invalidArgument("idPrefix", "a string", idPrefix);
    if (this.#isClosed)
      throw new OrchestraError("CLOSED", "The telemetry was shut down and observes nothing more");
    const known = this.#observed.get(source);
    if (known !== undefined) return known;
    const observer = listenTo(source, this.#followerOf(source, idPrefix), () => this.#leave(source));
    this.#observed.set(source, observer);
    return observer;
  }

  /** The spans of a source's jobs, while it is observed. */
  spansOf(source: JobEventSource): JobSpans {
    return {
      within: (jobId, fn) => {
        const observer = this.#observed.get(source);
        return observer === undefined ? fn() : observer.within(jobId, fn);
      },
      traceparent: (jobId) => this.#observed.get(source)?.traceparent(jobId),
    };
  }

  /** One entry for each observed source; once closed, for those that were observed then. */
  stats(): JobFollowerStats[] {
    return [...this.#observed.values()].map((observer) => observer.stats());
  }

  /** Stops every observer, and takes no more sources. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const observer of this.#observed.values()) observer.stop();
  }

  #leave(source: JobEventSource): void {
    if (!this.#isClosed) this.#observed.delete(source);
  }

  #followerOf(source: JobEventSource, idPrefix: string): JobFollower {
    const known = this.#followers.get(source);
    if (known?.idPrefix === idPrefix) return known.follower;
    const follower = new JobFollower({ ...this.#options, idPrefix });
    this.#followers.set(source, { follower, idPrefix });
    return follower;
  }
}
