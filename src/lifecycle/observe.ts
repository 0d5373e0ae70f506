import { invalidArgument } from "../errors.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { type ObservedJob, timeOf } from "./job-facts.ts";
import { JobFollower, type JobFollowerOptions, type JobFollowerStats } from "./job-follower.ts";
import type { JobSpans } from "./run.ts";

/** Anything that tells of its jobs: our registry, or one that was there before us. */
export interface JobEventSource {
  /** May return a function that ends the subscription. */
  // biome-ignore lint/suspicious/noExplicitAny: a registry's job type is its own affair; we check each field
  onJobEvent(handler: (job: any, event: any) => void): unknown;
  /** The jobs that are there already, if it can tell; the open ones among them are followed at once. */
  list?(): unknown;
}

/** Follows the jobs of one source. Job ids are the source's own. */
export interface JobObserver extends JobSpans {
  stats(): JobFollowerStats;
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
  requireSource(source);
  return listenTo(source, new JobFollower(options));
}

/** @throws INVALID_ARGUMENT */
export function requireSource(source: JobEventSource): void {
  if (typeof source?.onJobEvent !== "function") {
    throw invalidArgument("source", "an object with `onJobEvent(handler)`", source);
  }
}

/** Lets `follower` hear of the source's jobs until the observer is stopped; `onStop` is called then, once. */
export function listenTo(
  source: JobEventSource,
  follower: JobFollower,
  onStop: () => void = () => {},
): JobObserver {
  let listening = true;
  const off = source.onJobEvent((job: ObservedJob, event: unknown) => {
    if (listening) follower.follow(job, event);
  });
  for (const job of jobsOf(source)) follower.meet(job);
  return {
    stats: () => follower.stats(),
    traceparent: (jobId) => follower.traceparent(jobId),
    within: (jobId, fn) => follower.within(jobId, fn),
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
      onStop();
    },
  };
}

/** What the source lists, oldest first, so that parents come before their children; never throws. */
function jobsOf(source: JobEventSource): ObservedJob[] {
  try {
    const listed: unknown = source.list?.();
    if (listed instanceof Promise) listed.catch(() => {});
    if (!Array.isArray(listed)) return [];
    const startOf = (job: ObservedJob) => timeOf(job?.startedAt) ?? 0;
    // Our registry lists the newest first: reversed, as sorting leaves those of one millisecond as they are.
    return listed.toReversed().sort((a, b) => startOf(a) - startOf(b));
  } catch {
    return [];
  }
}
