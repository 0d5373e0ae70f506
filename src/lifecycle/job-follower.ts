import {
  createOrchestratorEvent,
  type JobEventType,
  type OrchestratorEvent,
  type OrchestratorEventDataMap,
} from "../event/event.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { FifoMap } from "../fifo-map.ts";
import type { JobEventKind, JobStatus } from "../job/job.ts";
import { INTERRUPTED } from "../job/job-failure.ts";
import { Content } from "./content.ts";
import { createdData, endedData, type JobEndKind, progressData } from "./job-event-data.ts";
import {
  eventKindOf,
  factsOf,
  type JobFacts,
  jobFacts,
  nameOf,
  type ObservedJob,
  timeOf,
  traceparentOf,
} from "./job-facts.ts";
import { type JobTracer, noopJobTracer } from "./job-tracer.ts";

export interface JobFollowerOptions {
  /** Takes each event. Usually a publisher's `publish`. */
  publish: (event: OrchestratorEvent) => void;
  /** Default: records nothing. */
  tracer?: JobTracer | undefined;
  /** Default: previews of 200 characters, nothing redacted. */
  content?: Content | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Jobs followed at one time; more are counted and not followed. Default: 100,000. */
  maxOpen?: number | undefined;
  /** Ended jobs remembered, so that repeated ends are recognised. Default: 10,000. */
  maxEnded?: number | undefined;
}

export interface JobFollowerStats {
  /** Jobs that have begun and not ended. */
  open: number;
  /** Callbacks that changed nothing, by reason. */
  ignored: {
    /** Anything but a report for a job that has ended. */
    after_end: number;
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

interface FollowedJob {
  facts: JobFacts;
  queuedAt: number | undefined;
  traceparent: string | undefined;
  status: JobStatus;
  /** Of the last event. */
  revision: number;
}

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
  readonly #maxOpen: number;
  readonly #maxEnded: number;
  readonly #open = new Map<string, FollowedJob>();
  readonly #ended = new FifoMap<string, FollowedJob>();
  readonly #ignored = { after_end: 0, created_twice: 0, unknown_job: 0, unknown_kind: 0, too_many_open: 0 };
  #failed = 0;

  constructor(options: JobFollowerOptions) {
    this.#publish = options.publish;
    this.#tracer = options.tracer ?? noopJobTracer;
    this.#content = options.content ?? new Content();
    this.#now = options.now ?? Date.now;
    this.#maxOpen = options.maxOpen ?? 100_000;
    this.#maxEnded = options.maxEnded ?? 10_000;
  }

  stats(): JobFollowerStats {
    return { open: this.#open.size, ignored: { ...this.#ignored }, failed: this.#failed };
  }

  traceparent(jobId: string): string | undefined {
    return this.#open.get(jobId)?.traceparent;
  }

  /** Goes on with a job that another process left open, as its events have it. */
  resume(job: JobSnapshot): void {
    const { jobId, queuedAt, traceparent, status, revision } = job;
    this.#open.set(jobId, { facts: factsOf(job), queuedAt, traceparent, status, revision });
  }

  follow(job: ObservedJob, rawKind: unknown): void {
    this.#guard(() => {
      const kind = eventKindOf(rawKind);
      const jobId = nameOf(job?.id);
      if (kind === undefined) this.#ignored.unknown_kind++;
      else if (jobId === undefined) this.#ignored.unknown_job++;
      else this.#advanceAnyhow(jobId, job, kind);
    });
  }

  /** Ends every open job as failed with `errorType: "interrupted"`. */
  interrupt(error: string): void {
    for (const [id, followed] of this.#open) {
      this.#end(followed, { id, error, errorType: INTERRUPTED }, "failed", this.#now());
    }
  }

  /** What happened is told even when the job's own fields cannot be read: then by its id alone. */
  #advanceAnyhow(jobId: string, job: ObservedJob, kind: JobEventKind): void {
    try {
      this.#advance(jobId, job, kind, timeOf(job.updatedAt) ?? this.#now());
    } catch {
      // Nothing is half done: each step reads all it needs before it changes anything.
      this.#failed++;
      this.#advance(jobId, { id: jobId }, kind, this.#now());
    }
  }

  #advance(jobId: string, job: ObservedJob, kind: JobEventKind, now: number): void {
    const ended = this.#ended.get(jobId);
    const open = this.#open.get(jobId);
    if (ended !== undefined) {
      if (kind === "reported") this.#reported(ended, job, now);
      else this.#ignored.after_end++;
    } else if (kind === "created") {
      if (open === undefined) this.#created(jobId, job, now);
      else this.#ignored.created_twice++;
    } else if (kind === "reported") {
      // The report of an open job travels with its end.
      if (open === undefined) this.#ignored.unknown_job++;
    } else {
      const followed = open ?? this.#created(jobId, job, now);
      if (followed !== undefined) this.#change(followed, job, kind, now);
    }
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
    if (this.#open.size >= this.#maxOpen) {
      this.#ignored.too_many_open++;
      return undefined;
    }
    const facts = jobFacts(jobId, job, now);
    const data = createdData(facts, job, this.#content);
    const parent = traceparentOf(job.traceparent);
    const span = this.#guard(() => this.#tracer.open(data, parent));
    data.parentTraceparent = span?.parent;
    const { status, queuedAt } = data;
    const followed = { facts, queuedAt, traceparent: span?.traceparent, status, revision: 0 };
    this.#open.set(jobId, followed);
    this.#emit(followed, "orchestra.job.created", data, now);
    return followed;
  }

  #started(followed: FollowedJob, job: ObservedJob, now: number): void {
    const queuedSince = followed.queuedAt ?? followed.facts.startedAt;
    const startedAt = Math.max(timeOf(job.startedAt) ?? now, queuedSince);
    followed.facts = { ...followed.facts, startedAt };
    followed.status = "running";
    const revision = followed.revision + 1;
    const queuedMs = startedAt - queuedSince;
    const data = { ...followed.facts, status: followed.status, revision, queuedMs } as const;
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
    this.#remember(followed);
    this.#guard(() => this.#tracer.close(data));
    this.#emit(followed, `orchestra.job.${kind}`, data, now);
  }

  #reported(followed: FollowedJob, job: ObservedJob, now: number): void {
    const report = this.#content.report(job.report);
    if (report === undefined) return;
    const status = followed.status as "succeeded" | "failed" | "canceled";
    const data = { ...followed.facts, status, revision: followed.revision + 1, report };
    this.#emit(followed, "orchestra.job.reported", data, now);
  }

  #remember(followed: FollowedJob): void {
    this.#open.delete(followed.facts.jobId);
    this.#ended.set(followed.facts.jobId, followed);
    if (this.#ended.size > this.#maxEnded) this.#ended.deleteOldest();
  }

  #emit(
    followed: FollowedJob,
    type: JobEventType,
    data: OrchestratorEventDataMap[JobEventType],
    timestamp: number,
  ): void {
    const { traceparent } = followed;
    followed.revision = data.revision;
    // Its id is filled in when it is appended, off the caller's path.
    const event = createOrchestratorEvent(type, data, { id: "", timestamp, traceparent });
    this.#guard(() => this.#publish(event));
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
