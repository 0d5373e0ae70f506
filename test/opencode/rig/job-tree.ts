import type { JobEvent } from "../../../src/event/event.ts";
import { jobsOf, type StoredLog } from "../../torture/stored-log.ts";

/**
 * Jobs as lines of text, each below the one that asked for it, in the order of their creation:
 *
 *     build succeeded
 *       general failed APIError: bad request
 *
 * Why follows where there is a reason.
 */
export function drawJobs(log: StoredLog): string[] {
  const jobs = [...jobsOf(log).values()];
  const children = Map.groupBy(jobs, (events) => events[0]?.data.parentJobId);
  const draw = (parent: string | undefined, depth: number): string[] =>
    (children.get(parent) ?? []).flatMap((events) => [
      "  ".repeat(depth) + lineOf(events),
      ...draw(events[0]?.data.jobId, depth + 1),
    ]);
  return draw(undefined, 0);
}

function lineOf(events: readonly JobEvent[]): string {
  const { type, data } = events.at(-1) as JobEvent;
  const line = `${data.workerId} ${data.status}`;
  if (type === "orchestra.job.failed") {
    const { errorType, error } = data as { errorType: string; error: string };
    return `${line} ${errorType}: ${error}`;
  }
  const { reason } = data as { reason?: string };
  return reason === undefined ? line : `${line} ${reason}`;
}
