import { invalidArgument } from "../errors.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import type { ObservedJob } from "./job-facts.ts";
import { JobFollower, type JobFollowerOptions, type JobFollowerStats } from "./job-follower.ts";

/** Anything that tells of its jobs: our registry, or one that was there before us. */
export interface JobEventSource {
  /** May return a function that ends the subscription. */
  // biome-ignore lint/suspicious/noExplicitAny: a registry's job type is its own affair; we check each field
  onJobEvent(handler: (job: any, event: any) => void): unknown;
}

export interface JobObserver {
  stats(): JobFollowerStats;
  /** W3C trace context of an open job's span. */
  traceparent(jobId: string): string | undefined;
  /** Goes on with a job that an earlier process left open, as its events have it. */
  resume(job: JobSnapshot): void;
  /**
   * Stops listening. Jobs that are still open end as failed with `errorType: "interrupted"`, as nobody
   * would tell of their end any more. Idempotent.
   */
  stop(): void;
}

/** Turns a registry's lifecycle callbacks into spans and events, until it is stopped. */
export function observeJobs(source: JobEventSource, options: JobFollowerOptions): JobObserver {
  if (typeof source?.onJobEvent !== "function") {
    throw invalidArgument("source", "an object with `onJobEvent(handler)`", source);
  }
  const follower = new JobFollower(options);
  let listening = true;
  const off = source.onJobEvent((job: ObservedJob, event: unknown) => {
    if (listening) follower.follow(job, event);
  });
  return {
    stats: () => follower.stats(),
    traceparent: (jobId) => follower.traceparent(jobId),
    resume: (job) => follower.resume(job),
    stop: () => {
      if (!listening) return;
      listening = false;
      try {
        if (typeof off === "function") off();
      } catch {
        // A source that does not let go is no longer listened to, and its jobs end all the same.
      }
      follower.interrupt("The orchestrator stopped observing before the job ended");
    },
  };
}
