import { isJobEvent, type JobEvent } from "../event/event.ts";
import type { EventRecord } from "../event/event-log.ts";
import type { EventSink } from "../event/event-sink.ts";
import { applyJobEvent, type JobSnapshot } from "../event/job-snapshot.ts";

/** Remembers the one job of this process as its events told it, so as everybody else sees it. */
export class LastJob implements EventSink {
  readonly name = "last-job";
  snapshot: JobSnapshot | undefined;
  event: JobEvent | undefined;

  onEvent({ event }: EventRecord): void {
    if (!isJobEvent(event)) return;
    this.event = event;
    this.snapshot = applyJobEvent(this.snapshot, event);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
