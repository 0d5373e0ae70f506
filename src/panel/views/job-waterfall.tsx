import type { JobEvent } from "../../event/event.ts";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { live, now } from "../page.ts";
import { spread } from "../timeline/progress-marks.ts";
import { windowOf } from "../timeline/timeline-scale.ts";
import { descendantRows } from "../timeline/timeline-tree.ts";
import { Axis, TimelineRowView } from "./timeline-rows.tsx";

/** Rows that are drawn; who has more looks at the timeline. */
const MAX_ROWS = 200;
/** Marks of progress that are drawn: more could not be told apart. */
const MAX_MARKS = 120;

/** The job's span and those of the jobs that it started, as their events tell of them. */
export function JobWaterfall({ job, events }: { job: JobSnapshot; events: readonly JobEvent[] }) {
  const jobs = live.store.newestFirst().map((entry) => entry.job.peek());
  // The job itself may be no longer among them.
  const rows = descendantRows([job, ...jobs], job.jobId);
  const window = windowOf(
    rows.map((row) => row.job),
    now.value,
  );
  if (window === undefined) return null;
  const told = events.filter(({ type }) => type === "orchestra.job.progress");
  const marks = spread(told, MAX_MARKS).map(({ timestamp }) => timestamp);
  return (
    <section class="card waterfall" aria-labelledby="waterfall-title">
      <h2 id="waterfall-title">Waterfall</h2>
      <Axis window={window} />
      <ul>
        {rows.slice(0, MAX_ROWS).map((row) => (
          <TimelineRowView
            key={row.job.jobId}
            row={row}
            window={window}
            now={now.value}
            marks={row.job.jobId === job.jobId ? marks : live.marks.of(row.job.jobId)}
          />
        ))}
      </ul>
      {rows.length > MAX_ROWS && <p class="muted">The first {MAX_ROWS} jobs are shown.</p>}
    </section>
  );
}
