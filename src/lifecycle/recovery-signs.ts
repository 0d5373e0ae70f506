import type { JobStory, StoredJob } from "./job-story.ts";

/**
 * The last signs of life of processes that are gone: their last beats, or what came after those of the
 * jobs that they left open.
 */
export class LastSigns {
  readonly #times = new Map<string, number>();

  constructor(stories: readonly JobStory[]) {
    for (const { stored, open } of stories) {
      // What others tell of a job, as that it has ended, is no sign of its process.
      if (open !== undefined) this.#times.set(processOf(stored), Math.max(this.of(stored), open.updatedAt));
    }
  }

  /** Of a job's process, in milliseconds since the epoch; before all times when nothing is known of it. */
  of(job: StoredJob): number {
    const { seenAt } = job;
    if (seenAt === undefined) return Number.NEGATIVE_INFINITY;
    return this.#times.get(processOf(job)) ?? seenAt;
  }
}

/** Who has claimed the jobs of several processes owns them all. */
function processOf({ owner, seenAt }: StoredJob): string {
  return `${owner} ${seenAt}`;
}
