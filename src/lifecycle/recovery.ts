import { createOrchestratorEvent, type JobEvent, type OrchestratorEvent } from "../event/event.ts";
import type { EventLog } from "../event/event-log.ts";
import type { JobSnapshot } from "../event/job-snapshot.ts";
import { JOB_EVENT_STATUS } from "../job/job.ts";
import { INTERRUPTED } from "../job/job-failure.ts";
import { factsOf } from "./job-facts.ts";
import { hasEnded, type JobStory, readJobStory, snapshotOf } from "./job-story.ts";

export interface RecoveryOptions {
  log: EventLog;
  publish: (event: OrchestratorEvent) => void;
  /** Whether a job goes on in this process instead of ending. Default: none does. */
  resume?: ((job: JobSnapshot) => boolean) | undefined;
  /** Told each story with its new end, so that its span can be made of it. Default: no span is. */
  onRecovered?: ((story: JobStory) => void) | undefined;
  /** Told of a job that could not be recovered; the others are. Default: it is left at that. */
  onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

/**
 * Ends jobs whose process is gone: each gets the `failed` event that its process could not publish, with
 * `errorType: "interrupted"`, as of its last sign of life. The event's id follows from the job, so a
 * recovery that was itself interrupted can be repeated without doubling it.
 * @returns how many jobs were ended
 */
export async function recoverJobs(jobIds: readonly string[], options: RecoveryOptions): Promise<number> {
  const { onError = () => {} } = options;
  let recovered = 0;
  for (const jobId of jobIds) {
    try {
      if (await recoverJob(jobId, options)) recovered++;
    } catch (error) {
      onError(error);
    }
  }
  return recovered;
}

async function recoverJob(jobId: string, options: RecoveryOptions): Promise<boolean> {
  const { log, publish, resume = () => false, onRecovered = () => {}, now = Date.now } = options;
  const story = await readJobStory(log, jobId);
  const last = story.events.at(-1);
  if (last === undefined || hasEnded(story) || resume(snapshotOf(story))) return false;
  const end = interruption(last, now());
  // In one turn, so that the end and its span are committed together.
  publish(end);
  onRecovered({ jobId, events: [...story.events, end] });
  return true;
}

function interruption(last: JobEvent, timestamp: number): OrchestratorEvent<"orchestra.job.failed"> {
  const facts = factsOf(last.data);
  const { revision } = last.data;
  const finishedAt = Math.max(last.timestamp, facts.startedAt);
  const data = {
    ...facts,
    status: JOB_EVENT_STATUS.failed,
    revision: revision + 1,
    finishedAt,
    durationMs: finishedAt - facts.startedAt,
    error: "The process that ran the job ended before the job did",
    errorType: INTERRUPTED,
  };
  const id = `${facts.jobId.slice(0, 400)}.${revision + 1}.${INTERRUPTED}`;
  return createOrchestratorEvent("orchestra.job.failed", data, {
    id,
    timestamp,
    traceparent: last.traceparent,
  });
}
