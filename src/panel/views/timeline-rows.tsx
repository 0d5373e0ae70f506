import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { live } from "../page.ts";
import { formatRoute } from "../route.ts";
import { clock, duration, elapsed, title } from "../text/format.ts";
import { percentOf } from "../text/progress-text.ts";
import { type Bar, barOf, place, ticks } from "../timeline/timeline-scale.ts";
import { endOf, type TimelineRow, type TimeWindow } from "../timeline/timeline-tree.ts";
import { Icon } from "../ui/icon.tsx";
import { isNarrow } from "../ui/media.ts";
import { statusWord } from "../ui/status.tsx";

/** Deeper ones are not moved in any more: there would be no room for their names. */
const MAX_INDENT = 8;
const MINUTE_MS = 60_000;

/** The times above the bars. */
export function Axis({ window }: { window: TimeWindow }) {
  const zoneOffsetMs = -new Date(window.from).getTimezoneOffset() * MINUTE_MS;
  const isFine = window.to - window.from < 10_000;
  const most = isNarrow.value ? (isFine ? 2 : 3) : 8;
  return (
    <div class="axis" aria-hidden="true">
      <div class="track">
        {ticks(window, most, zoneOffsetMs).map(({ at, left }) => (
          <span key={at} class="tick" style={{ left: `${left}%` }}>
            {left < 100 - labelWidth(isFine) && (isFine ? fineClock(at) : clock(at))}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The room that a time takes where there is least of it, in percent of the width. */
function labelWidth(isFine: boolean): number {
  if (isNarrow.value) return isFine ? 44 : 30;
  return isFine ? 16 : 12;
}

function fineClock(at: number): string {
  return `${clock(at)}.${String(Math.round(at) % 1_000).padStart(3, "0")}`;
}

export interface TimelineRowProps {
  row: TimelineRow;
  window: TimeWindow;
  now: number;
  /** When it told of its progress, in milliseconds since the epoch. */
  marks: readonly number[];
  /** Told of the job whose link gets the focus, and of none when it loses it. */
  onFocus?: (jobId: string | undefined) => void;
}

/** A job's name and its bar. */
export function TimelineRowView({ row, window, now, marks, onFocus }: TimelineRowProps) {
  const { depth } = row;
  // Its progress is no reason to draw the others anew.
  const job = live.store.get(row.job.jobId)?.job.value ?? row.job;
  const bar = barOf(job, window, now);
  return (
    <li class="timeline-row">
      <a
        href={formatRoute({ view: "job", jobId: job.jobId })}
        style={{ paddingLeft: `${Math.min(depth, MAX_INDENT) * 14}px` }}
        onFocus={() => onFocus?.(job.jobId)}
        onBlur={() => onFocus?.(undefined)}
      >
        <span class={`status is-${job.status}`}>
          <Icon name={job.status} />
          <span class="visually-hidden">{statusWord(job.status)}</span>
        </span>
        <span class="cut">{title(job.message)}</span>
        <span class="visually-hidden">, {lengthText(job, now)}</span>
      </a>
      <div class="track" aria-hidden="true">
        <BarView job={job} bar={bar} now={now} />
        {marks
          .filter((at) => at >= window.from && at <= window.to)
          .map((at) => (
            <span key={at} class="mark" style={{ left: `${place(at, window)}%` }} />
          ))}
      </div>
    </li>
  );
}

function BarView({ job, bar, now }: { job: JobSnapshot; bar: Bar; now: number }) {
  const { status, progress } = job;
  const percent = status === "running" && progress !== undefined ? percentOf(progress) : undefined;
  const classes = [`gantt is-${status}`, bar.isCutLeft && "is-cut-left", bar.isCutRight && "is-cut-right"];
  return (
    <span
      class={classes.filter(Boolean).join(" ")}
      style={{ left: `${bar.left}%`, width: `${bar.width}%` }}
      title={`${title(job.workerId, "—")} · ${statusWord(status)} · ${lengthText(job, now)}`}
    >
      {bar.queued > 0 && <span class="gantt-queued" style={{ width: `${bar.queued}%` }} />}
      {percent !== undefined && <span class="gantt-done" style={{ width: `${percent}%` }} />}
      <span class={`gantt-length ${labelPlace(bar)}`}>{lengthText(job, now)}</span>
    </span>
  );
}

/** Where there is room for how long it took: behind the bar, in it, or before it. */
function labelPlace({ left, width }: Bar): string {
  // What it takes, in percent of the window's width.
  const room = isNarrow.value ? 28 : 12;
  if (left + width < 100 - room) return "";
  return width > room + 4 ? "is-inside" : "is-before";
}

function lengthText(job: JobSnapshot, now: number): string {
  if (job.durationMs !== undefined) return duration(job.durationMs);
  const ms = endOf(job, now) - (job.status === "queued" ? (job.queuedAt ?? job.startedAt) : job.startedAt);
  return elapsed(ms);
}
