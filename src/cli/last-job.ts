import { isJobEvent, type JobEvent } from "../event/event.ts";
import type { EventRecord } from "../event/event-log.ts";
import { applyJobEvent, type JobSnapshot } from "../event/job-snapshot.ts";

/** The one job of this process, as its events told it: so as everybody else sees it. */
export class LastJob {
  snapshot: JobSnapshot | undefined;
  event: JobEvent | undefined;
  readonly #isOurs: (jobId: string) => boolean;

  constructor(isOurs: (jobId: string) => boolean) {
    this.#isOurs = isOurs;
  }

  /** Other processes of the same data file tell of their jobs, too. */
  apply({ event }: EventRecord): void {
    if (!isJobEvent(event) || !this.#isOurs(event.data.jobId)) return;
    this.event = event;
    this.snapshot = applyJobEvent(this.snapshot, event);
  }
}
