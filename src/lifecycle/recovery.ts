import { createOrchestratorEvent, type OrchestratorEvent } from "../event/event.ts";
import type { Cursor } from "../event/event-log.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { JOB_EVENT_STATUS } from "../job/job.ts";
import { INTERRUPTED } from "../job/job-failure.ts";
import { factsOf } from "./job-facts.ts";
import {
  catchUp,
  JobStory,
  readJobStories,
  type SpanRebuilder,
  type StoredJob,
  type StoryOptions,
} from "./job-story.ts";
import type { JobTracer } from "./job-tracer.ts";
import { LastSigns } from "./recovery-signs.ts";

type Recovery =
  | "ended"
  | "resumed"
  /** Its id is a later run's, which an end would be taken for the end of. */
  | "replaced"
  /** It has ended, or the log has let go of it. */
  | "nothing";

export interface RecoveryOptions<S extends StoredJob = StoredJob> extends StoryOptions {
  /** Takes the end of a job; false when that is lost, so that the job is told of again. */
  publish: (end: OrchestratorEvent<"orchestra.job.failed">, job: S) => boolean;
  /** Default: no span is made. */
  rebuild?: SpanRebuilder | undefined;
  /**
   * Whether a job goes on in this process instead of ending; `tracer` has its span open, if one is to be
   * made. Default: none does.
   */
  resume?: ((job: JobSnapshot, tracer: JobTracer | undefined) => boolean) | undefined;
  /** Told what became of each job. What it throws is a failure of that job. */
  onRecovered: (job: S, recovery: Recovery) => void;
  /** Told of each job that could not be recovered; the others are. */
  onError: (job: S, error: unknown) => void;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

/** Jobs whose stories are in memory at once: reading the log costs the same for one and for many. */
const BATCH = 500;

/**
 * Ends jobs whose process is gone: each gets the `failed` event that its process could not publish, with
 * `errorType: "interrupted"`, as of the last sign of life of its process, and the span that was lost with it.
 * The event's id follows from the run of the job, so a recovery that was itself interrupted can be
 * repeated without doubling it. Other work gets its turn between any two pages of the log and any two jobs.
 * @param jobs each id once
 * @throws the signal's reason
 */
export async function recoverJobs<S extends StoredJob>(
  jobs: readonly S[],
  options: RecoveryOptions<S>,
): Promise<void> {
  for (let from = 0; from < jobs.length; from += BATCH) {
    await recoverBatch(jobs.slice(from, from + BATCH), options);
  }
}

async function recoverBatch<S extends StoredJob>(
  jobs: readonly S[],
  options: RecoveryOptions<S>,
): Promise<void> {
  const { signal, rebuild, onRecovered, onError } = options;
  const stories = jobs.map((job) => ({ job, story: new JobStory(job, rebuild) }));
  let position: Cursor;
  try {
    position = await readJobStories(
      stories.map(({ story }) => story),
      options,
    );
  } catch (error) {
    signal?.throwIfAborted();
    const [first, ...others] = jobs;
    if (others.length === 0) onError(first as S, error);
    // It may be about one of them.
    else for (const job of jobs) await recoverBatch([job], options);
    return;
  }
  const signs = new LastSigns(stories.map(({ story }) => story));
  for (const { job, story } of stories) {
    try {
      onRecovered(job, await settle(job, story, { position, seenAt: signs.of(job) }, options));
    } catch (error) {
      signal?.throwIfAborted();
      onError(job, error);
    }
  }
}

async function settle<S extends StoredJob>(
  stored: S,
  story: JobStory,
  { position, seenAt }: { position: Cursor; seenAt: number },
  options: RecoveryOptions<S>,
): Promise<Recovery> {
  const { publish, resume = () => false, now = Date.now } = options;
  // The job may have been begun anew while the others were seen to, and be so in this very turn.
  await catchUp(story, position, options);
  const { job, tracer } = story;
  if (story.isReplaced) return "replaced";
  if (job === undefined || story.hasEnded) return "nothing";
  if (resume(job, tracer)) return "resumed";
  const end = interruption(stored, job, { seenAt, now: now() });
  // In one turn, so that the end and its span are committed together.
  if (publish(end, stored)) tracer?.close(end.data);
  return "ended";
}

function interruption(
  { jobId, after }: StoredJob,
  job: JobSnapshot,
  { seenAt, now }: { seenAt: number; now: number },
): OrchestratorEvent<"orchestra.job.failed"> {
  // By the clock of a process that is gone, which need not have been right.
  const finishedAt = Math.max(job.updatedAt, job.startedAt, Math.min(seenAt, now));
  const data = {
    ...factsOf(job),
    status: JOB_EVENT_STATUS.failed,
    revision: job.revision + 1,
    finishedAt,
    durationMs: finishedAt - job.startedAt,
    error: "The process that ran the job ended before the job did",
    errorType: INTERRUPTED,
  };
  // Where the run began tells it from others under the same job id.
  const id = `${jobId.slice(0, 400)}.${after}.${INTERRUPTED}`;
  return createOrchestratorEvent("orchestra.job.failed", data, {
    id,
    timestamp: now,
    traceparent: job.traceparent,
  });
}
