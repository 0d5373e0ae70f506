import {
  createOrchestratorEvent,
  type JobEventType,
  type OrchestratorEvent,
  type OrchestratorEventDataMap,
} from "../event/event.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { isTerminal, JOB_EVENT_STATUS, type JobEventKind } from "../job/job.ts";
import { INTERRUPTED } from "../job/job-failure.ts";
import { Content } from "./content.ts";
import { type FollowedJob, FollowedJobs, type FollowedJobsOptions } from "./followed-jobs.ts";
import { createdData, endedData, type JobData, type JobEndKind, progressData } from "./job-event-data.ts";
import {
  eventKindOf,
  factsOf,
  idOf,
  isOpenStatus,
  jobFacts,
  type ObservedJob,
  timeOf,
  traceparentOf,
} from "./job-facts.ts";
import { type JobTracer, noopJobTracer } from "./job-tracer.ts";

export interface JobFollowerOptions extends FollowedJobsOptions {
  /** Takes each event. Usually a publisher's `publish`. */
  publish: (event: OrchestratorEvent) => void;
  /** Default: records nothing. */
  tracer?: JobTracer | undefined;
  /** Default: previews of 200 characters, nothing redacted. */
  content?: Content | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Put before the ids of this source's jobs, which may be another source's too. Default: nothing. */
  idPrefix?: string | undefined;
  /** Shared with the followers of other sources, so that they do not mistake one's jobs for another's. */
  jobs?: FollowedJobs | undefined;
  /** Told once of each way in which the source's ids cannot be told apart. Default: it is only counted. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface JobFollowerStats {
  /** Jobs that have begun and not ended. */
  open: number;
  /** Callbacks that changed nothing, by reason. */
  ignored: {
    /** Anything but a report or a new beginning, for a job that has ended. */
    after_end: number;
    /** A `created` with the id of a job that has ended. */
    reused_id: number;
    /** Anything about a job whose id another source came with first. */
    id_taken: number;
    /** A second `created`. */
    created_twice: number;
    /** No usable id, or a report for a job never seen. */
    unknown_job: number;
    unknown_kind: number;
    too_many_open: number;
  };
  /** What the tracer, the publisher or reading a job threw; the source never sees it. */
  failed: number;
}

const WARNINGS = {
  reused_id: "was used again after its job had ended; give each job an id of its own",
  id_taken: "is that of another observed source's job; observe one of the two with an `idPrefix`",
};

/**
 * Follows the jobs of one source from callback to callback. Whatever the source does, each job yields
 * one `created` first, at most one end, and revisions 0, 1, 2 … without a gap; a job first seen in
 * mid-life is created on the spot. Nothing is thrown at the source.
 */
export class JobFollower {
  readonly #publish: (event: OrchestratorEvent) => void;
  readonly #tracer: JobTracer;
  readonly #content: Content;
  readonly #now: () => number;
  readonly #idPrefix: string;
  readonly #jobs: FollowedJobs;
  readonly #onWarning: (message: string) => void;
  readonly #ignored: JobFollowerStats["ignored"] = {
    after_end: 0,
    reused_id: 0,
    id_taken: 0,
    created_twice: 0,
    unknown_job: 0,
    unknown_kind: 0,
    too_many_open: 0,
  };
  #failed = 0;

  constructor(options: JobFollowerOptions) {
    this.#publish = options.publish;
    this.#tracer = options.tracer ?? noopJobTracer;
    this.#content = options.content ?? new Content();
    this.#now = options.now ?? Date.now;
    this.#idPrefix = options.idPrefix ?? "";
    this.#jobs = options.jobs ?? new FollowedJobs(options);
    this.#onWarning = options.onWarning ?? (() => {});
  }

  stats(): JobFollowerStats {
    const open = this.#jobs.openOf(this).length;
    return { open, ignored: { ...this.#ignored }, failed: this.#failed };
  }

  /** W3C trace context of an open job's span. The id is the source's own. */
  traceparent(id: string): string | undefined {
    return this.#openJob(id)?.traceparent;
  }

  /** Runs `fn` with an open job's span as the active one; as it is, when that has none. The id is the source's own. */
  within<T>(id: string, fn: () => T): T {
    const job = this.#openJob(id);
    return job === undefined ? fn() : this.#tracer.within(job.facts.jobId, fn);
  }

  /** Goes on with a job that another process left open, as its events have it. */
  resume(job: JobSnapshot): void {
    const { queuedAt, traceparent, status, revision, updatedAt } = job;
    const facts = factsOf(job);
    this.#jobs.keep({ owner: this, facts, queuedAt, traceparent, status, revision, toldAt: updatedAt });
  }

  follow(job: ObservedJob, rawKind: unknown): void {
    this.#guard(() => {
      const kind = eventKindOf(rawKind);
      const jobId = idOf(job?.id, this.#idPrefix);
      if (kind === undefined) this.#ignored.unknown_kind++;
      else if (jobId === undefined) this.#ignored.unknown_job++;
      else this.#advanceAnyhow(jobId, job, kind);
    });
  }

  /** Follows a job that was there before anybody listened, if it is open and not followed yet. */
  meet(job: ObservedJob): void {
    this.#guard(() => {
      const jobId = idOf(job?.id, this.#idPrefix);
      if (jobId === undefined || !isOpenStatus(job.status)) return;
      if (this.#jobs.get(jobId)?.owner !== this) this.#advanceAnyhow(jobId, job, "created");
    });
  }

  /** Ends every open job as failed with `errorType: "interrupted"`. */
  interrupt(error: string): void {
    for (const followed of this.#jobs.openOf(this)) {
      const { jobId } = followed.facts;
      this.#end(followed, { id: jobId, error, errorType: INTERRUPTED }, "failed", this.#now());
    }
  }

  /** What happened is told even when the job's own fields cannot be read: then by its id alone. */
  #advanceAnyhow(jobId: string, job: ObservedJob, kind: JobEventKind): void {
    try {
      this.#advance(jobId, job, kind);
    } catch {
      // Nothing is half done: each step reads all it needs before it changes anything.
      this.#failed++;
      this.#advance(jobId, { id: jobId }, kind);
    }
  }

  #advance(jobId: string, job: ObservedJob, kind: JobEventKind): void {
    const known = this.#jobs.get(jobId);
    const now = this.#timeOf(job, known);
    if (known === undefined) this.#begin(jobId, job, kind, now);
    else if (known.owner !== this) this.#refuse("id_taken", jobId);
    else if (isTerminal(known.status)) this.#afterEnd(known, job, kind, now);
    else if (kind === "created") this.#ignored.created_twice++;
    // The report of an open job travels with its end.
    else if (kind !== "reported") this.#change(known, job, kind, now);
  }

  #begin(jobId: string, job: ObservedJob, kind: JobEventKind, now: number): void {
    if (kind === "reported") {
      this.#ignored.unknown_job++;
      return;
    }
    const followed = this.#created(jobId, job, now);
    if (followed !== undefined && kind !== "created") this.#change(followed, job, kind, now);
  }

  #afterEnd(ended: FollowedJob, job: ObservedJob, kind: JobEventKind, now: number): void {
    if (kind === "reported") this.#reported(ended, job, now);
    else if (kind === "created") this.#refuse("reused_id", ended.facts.jobId);
    else this.#ignored.after_end++;
  }

  #change(
    followed: FollowedJob,
    job: ObservedJob,
    kind: "started" | "progress" | JobEndKind,
    now: number,
  ): void {
    // Work that moves or succeeds has begun, even when the source has no word for it.
    const begun = kind === "started" || kind === "progress" || kind === "completed";
    if (followed.status === "queued" && begun) this.#started(followed, job, now);
    if (kind === "progress") this.#progress(followed, job, now);
    else if (kind !== "started") this.#end(followed, job, kind, now);
  }

  #created(jobId: string, job: ObservedJob, now: number): FollowedJob | undefined {
    if (this.#jobs.isFull) {
      this.#ignored.too_many_open++;
      return undefined;
    }
    const facts = jobFacts(jobId, job, now, this.#idPrefix);
    const data = createdData(facts, job, this.#content);
    const parent = traceparentOf(job.traceparent);
    const span = this.#guard(() => this.#tracer.open(data, parent));
    data.parentTraceparent = span?.parent;
    const { status, queuedAt } = data;
    const traceparent = span?.traceparent;
    const followed = { owner: this, facts, queuedAt, traceparent, status, revision: 0, toldAt: now };
    this.#jobs.keep(followed);
    this.#emit(followed, "orchestra.job.created", data, now);
    return followed;
  }

  #started(followed: FollowedJob, job: ObservedJob, now: number): void {
    const queuedSince = followed.queuedAt ?? followed.facts.startedAt;
    const startedAt = Math.max(timeOf(job.startedAt) ?? now, queuedSince);
    followed.facts = { ...followed.facts, startedAt };
    const status = JOB_EVENT_STATUS.started;
    followed.status = status;
    const revision = followed.revision + 1;
    const data = { ...followed.facts, status, revision, queuedMs: startedAt - queuedSince };
    this.#guard(() => this.#tracer.start(data));
    this.#emit(followed, "orchestra.job.started", data, now);
  }

  #progress(followed: FollowedJob, job: ObservedJob, now: number): void {
    const data = progressData(followed.facts, followed.revision + 1, job, this.#content, now);
    this.#guard(() => this.#tracer.annotate(data));
    this.#emit(followed, "orchestra.job.progress", data, now);
  }

  #end(followed: FollowedJob, job: ObservedJob, kind: JobEndKind, now: number): void {
    const data = endedData(kind, followed.facts, followed.revision + 1, job, this.#content, now);
    followed.status = data.status;
    this.#jobs.keep(followed);
    this.#guard(() => this.#tracer.close(data));
    this.#emit(followed, `orchestra.job.${kind}`, data, now);
  }

  #reported(followed: FollowedJob, job: ObservedJob, now: number): void {
    const report = this.#content.report(job.report);
    if (report === undefined) return;
    const status = followed.status as JobData<"reported">["status"];
    const data = { ...followed.facts, status, revision: followed.revision + 1, report };
    this.#emit(followed, "orchestra.job.reported", data, now);
  }

  #emit(
    followed: FollowedJob,
    type: JobEventType,
    data: OrchestratorEventDataMap[JobEventType],
    timestamp: number,
  ): void {
    const { traceparent } = followed;
    followed.revision = data.revision;
    followed.toldAt = timestamp;
    // Its id is filled in when it is appended, off the caller's path.
    const event = createOrchestratorEvent(type, data, { id: "", timestamp, traceparent });
    this.#guard(() => this.#publish(event));
  }

  #openJob(id: string): FollowedJob | undefined {
    const job = this.#jobs.get(idOf(id, this.#idPrefix) ?? "");
    return job === undefined || job.owner !== this || isTerminal(job.status) ? undefined : job;
  }

  /** The source's own time if it moves on with the job, else the time at which we hear of it. */
  #timeOf(job: ObservedJob, known: FollowedJob | undefined): number {
    const updatedAt = timeOf(job.updatedAt);
    const isNews = updatedAt !== undefined && (known === undefined || updatedAt > known.toldAt);
    return isNews ? updatedAt : this.#now();
  }

  #refuse(reason: keyof typeof WARNINGS, jobId: string): void {
    if (this.#ignored[reason]++ > 0) return;
    this.#guard(() => this.#onWarning(`Job id \`${jobId}\` ${WARNINGS[reason]}`));
  }

  #guard<R>(action: () => R): R | undefined {
    try {
      return action();
    } catch {
      this.#failed++;
      return undefined;
    }
  }
}
