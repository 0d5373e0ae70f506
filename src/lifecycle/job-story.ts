import { isBeyond } from "../event/cursor.ts";
import { isJobEvent, type JobEvent } from "../event/event.ts";
import type { Cursor, EventLog, EventPage, EventRecord, MaybePromise } from "../event/event-log.ts";
import { applyJobEvent, type JobSnapshot } from "../event/job-snapshot.ts";
import { nextTurn } from "../event/next-turn.ts";
import type { JobTracer } from "./job-tracer.ts";

/** One run of a job in a log; earlier ones may have had the same id. */
export interface StoredJob {
  readonly jobId: string;
  /** Reading the log after this cursor finds this run of the job, and no earlier one. */
  readonly after: Cursor;
  /** Jobs with the same owner and `seenAt` were one process's. */
  readonly owner?: string | undefined;
  /**
   * When its process showed its last sign of life, in milliseconds since the epoch. Default: that is not known
   * but from the job's events.
   */
  readonly seenAt?: number | undefined;
}

/**
 * Opens the span of a job again, under the ids that `first` names; `first` is the oldest event that is
 * left of the job. Undefined when there is no span to be made.
 */
export type SpanRebuilder = (first: JobEvent) => JobTracer | undefined;

/** What the events of a job tell: nothing that grows with their number. */
export class JobStory {
  readonly stored: StoredJob;
  /** As the events leave it; undefined when there are none. */
  job: JobSnapshot | undefined;
  hasEnded = false;
  /** Whether the job was begun anew: a later run has its id now. */
  isReplaced = false;
  /** Has the job's span open, if one is to be made. */
  tracer: JobTracer | undefined;
  readonly #rebuild: SpanRebuilder | undefined;
  #position: Cursor;

  constructor(stored: StoredJob, rebuild: SpanRebuilder | undefined) {
    this.stored = stored;
    this.#rebuild = rebuild;
    this.#position = stored.after;
  }

  /** The job, unless it needs no end. */
  get open(): JobSnapshot | undefined {
    return this.hasEnded || this.isReplaced ? undefined : this.job;
  }

  /**
   * Takes the job's next event, and tells it to the tracer; not the job's end, as whoever wrote that has
   * ended the span, too. Goes by the event's type: its status may be one that only a newer version knows.
   */
  take({ cursor, event }: EventRecord): void {
    // A log that cannot go on where it was told to begins at its oldest record.
    if (!isJobEvent(event) || !isBeyond(cursor, this.#position)) return;
    this.#position = cursor;
    const isFirst = this.job === undefined;
    this.job = applyJobEvent(this.job, event);
    switch (event.type) {
      case "orchestra.job.created":
      case "orchestra.job.started":
      case "orchestra.job.progress":
        if (isFirst) this.tracer = this.#rebuild?.(event);
        this.#tell(event);
        this.isReplaced ||= !isFirst && event.type === "orchestra.job.created";
        break;
      default:
        // A report counts: only a job that has ended gets one.
        this.hasEnded = true;
    }
  }

  #tell(event: JobEvent): void {
    if (event.type === "orchestra.job.started") this.tracer?.start(event.data);
    else if (event.type === "orchestra.job.progress") this.tracer?.annotate(event.data);
  }
}

export interface StoryOptions {
  log: Pick<EventLog, "read" | "bounds">;
  /** Brings into the log what was published here before. Default: nothing waits for that. */
  drain?: (() => MaybePromise<void>) | undefined;
  /** Gives reading up between two pages. */
  signal?: AbortSignal | undefined;
}

/** Events read in one turn of the event loop: some milliseconds' worth. */
const PAGE = 200;

/**
 * Reads what a log holds of jobs, up to the end that it has now, all of them in one go and a page per turn
 * of the event loop. At least one job. Resolves with the place that was reached.
 * @throws what the log throws, and the signal's reason
 */
export async function readJobStories(stories: readonly JobStory[], options: StoryOptions): Promise<Cursor> {
  const byId = new Map(stories.map((story) => [story.stored.jobId, story]));
  // Nothing else passes the filter.
  const storyOf = ({ event }: EventRecord) => byId.get((event as JobEvent).data.jobId) as JobStory;
  const { latest } = await options.log.bounds();
  let position = stories.map(({ stored }) => stored.after).reduce((a, b) => (isBeyond(a, b) ? b : a));
  for (;;) {
    const { records, next } = await readPage([...byId.keys()], position, options);
    for (const record of records) storyOf(record).take(record);
    if (next === position || !isBeyond(latest, next)) return next;
    position = next;
  }
}

/** Reads what has been written of a job after a place that was reached before. @throws the same */
export async function catchUp(story: JobStory, after: Cursor, options: StoryOptions): Promise<void> {
  const { records } = await readPage([story.stored.jobId], after, options);
  for (const record of records) story.take(record);
}

async function readPage(
  jobIds: readonly string[],
  after: Cursor,
  { log, drain, signal }: StoryOptions,
): Promise<EventPage> {
  await nextTurn();
  signal?.throwIfAborted();
  await drain?.();
  return log.read({ after, limit: PAGE, filter: { jobIds, types: ["orchestra.job.*"] } });
}
