import { JOB_STATUSES } from "../../job/job.ts";
import { serverClock } from "../bridge-api.ts";
import type { GroupRow } from "../jobs/job-list.ts";
import type { JobEntry } from "../jobs/job-store.ts";
import { formatRoute } from "../route.ts";
import { amount, dateTime, number, title, when } from "../text/format.ts";
import { Elapsed } from "../ui/elapsed.tsx";
import { Icon } from "../ui/icon.tsx";
import { isNarrow, isTight } from "../ui/media.ts";
import { Outcome } from "../ui/progress.tsx";
import { Status, statusWord } from "../ui/status.tsx";

interface Place {
  /** Counted from 1, the head of the table included. */
  rowIndex: number;
  isActive: boolean;
  onFocus: () => void;
}

/** Draws itself anew when its job changes, and nothing else. */
export function JobTableRow({ entry, rowIndex, isActive, onFocus }: Place & { entry: JobEntry }) {
  const job = entry.job.value;
  const { status, workerId, sessionId, startedAt, attempt = 1 } = job;
  return (
    <tr aria-rowindex={rowIndex} class={isActive ? "is-active" : undefined}>
      <td class="col-status">
        <Status status={status} />
      </td>
      <td>
        <a
          class="cut"
          href={formatRoute({ view: "job", jobId: job.jobId })}
          tabIndex={isActive ? 0 : -1}
          data-active={isActive}
          onFocus={onFocus}
        >
          {title(job.message)}
        </a>
        {attempt > 1 && <span class="badge">attempt {number(attempt)}</span>}
        <span class="narrow-only cut muted">
          <span>
            {statusWord(status)} · <bdi>{title(workerId, "—")}</bdi>
          </span>{" "}
          <Outcome job={job} />
        </span>
      </td>
      <td class="col-worker">
        <span class="cut">{title(workerId, "—")}</span>
      </td>
      <td class="col-session">
        <span class="cut muted">{title(sessionId, "—")}</span>
      </td>
      <td class="col-outcome">
        <Outcome job={job} />
      </td>
      <td class="col-elapsed">
        <Elapsed job={job} />
      </td>
      <td class="col-started muted">
        <Started time={startedAt} />
      </td>
    </tr>
  );
}

function Started({ time }: { time: number }) {
  return (
    <time dateTime={isoOf(time)} title={dateTime(time)}>
      {when(time, serverClock.now())}
    </time>
  );
}

interface GroupTableRowProps extends Place {
  row: GroupRow;
  onToggle: () => void;
}

export function GroupTableRow({ row, rowIndex, isActive, onFocus, onToggle }: GroupTableRowProps) {
  const { id = "Without a session", isOpen, total, counts } = row;
  return (
    <tr aria-rowindex={rowIndex} class={isActive ? "group is-active" : "group"}>
      <th scope="rowgroup" colSpan={isNarrow.value ? 3 : isTight.value ? 6 : 7}>
        <button
          type="button"
          class="quiet"
          aria-expanded={isOpen}
          tabIndex={isActive ? 0 : -1}
          data-active={isActive}
          onFocus={onFocus}
          onClick={onToggle}
        >
          <Icon name={isOpen ? "closed" : "open"} />
          <span class="cut">{title(id, "—")}</span>
        </button>
        <span class="muted number">{amount(total, "job")}</span>
        {JOB_STATUSES.filter((status) => counts[status] > 0).map((status) => (
          <span key={status} class={`tally is-${status}`} title={statusWord(status)}>
            <Icon name={status} />
            <span class="visually-hidden">{statusWord(status)}</span>
            <span class="number">{number(counts[status])}</span>
          </span>
        ))}
      </th>
    </tr>
  );
}

function isoOf(time: number): string | undefined {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
