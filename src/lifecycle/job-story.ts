import type { JobEventType, OrchestratorEvent } from "../event/event.ts";
import { isJobEvent, type JobEvent } from "../event/event.ts";
import type { Cursor, EventLog } from "../event/event-log.ts";
import { applyJobEvent, type JobSnapshot } from "../event/job-snapshot.ts";
import { isTerminal } from "../job/job.ts";
import type { JobTracer } from "./job-tracer.ts";

/** What the log holds of one job, in order. */
export interface JobStory {
  readonly jobId: string;
  readonly events: readonly JobEvent[];
}

/** Reads all that the log still holds of a job. */
export async function readJobStory(log: EventLog, jobId: string): Promise<JobStory> {
  const events: JobEvent[] = [];
  let after: Cursor | undefined;
  for (;;) {
    const page = await log.read({ after, filter: { jobIds: [jobId], types: ["orchestra.job.*"] } });
    for (const { event } of page.records) if (isJobEvent(event)) events.push(event);
    const { latest } = await log.bounds();
    if (page.next === after || page.next === latest) return { jobId, events };
    after = page.next;
  }
}

/** The first event of a type. */
export function eventOf<T extends JobEventType>(story: JobStory, type: T): OrchestratorEvent<T> | undefined {
  return story.events.find((event) => event.type === type) as OrchestratorEvent<T> | undefined;
}

export function hasEnded({ events }: JobStory): boolean {
  return events.some(({ data }) => isTerminal(data.status));
}

/** The job as its events leave it. There must be one. */
export function snapshotOf({ events: [first, ...rest] }: JobStory): JobSnapshot {
  return rest.reduce(applyJobEvent, applyJobEvent(undefined, first as JobEvent));
}

/** Tells a tracer the job's life again, as the events have it. */
export function retell(story: JobStory, tracer: JobTracer): void {
  for (const event of story.events) {
    switch (event.type) {
      case "orchestra.job.created":
        tracer.open(event.data, event.data.parentTraceparent);
        break;
      case "orchestra.job.started":
        tracer.start(event.data);
        break;
      case "orchestra.job.progress":
        tracer.annotate(event.data);
        break;
      case "orchestra.job.reported":
        break;
      default:
        tracer.close(event.data);
    }
  }
}
