import { useComputed } from "@preact/signals";
import type { RefObject, TargetedKeyboardEvent } from "preact";
import { useRef } from "preact/hooks";
import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { JOB_STATUSES, type JobStatus } from "../../job/job.ts";
import type { JobFilter } from "../jobs/job-filter.ts";
import type { Grouping, StatusCounts } from "../jobs/job-list.ts";
import { live } from "../page.ts";
import { number, title } from "../text/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";

export interface JobFiltersProps {
  filter: JobFilter;
  grouping: Grouping;
  counts: StatusCounts;
  searchRef: RefObject<HTMLInputElement | null>;
  onFilter: (filter: JobFilter) => void;
  onGrouping: (grouping: Grouping) => void;
}

/** Which jobs the table shows, and how they are put together. */
export function JobFilters({ filter, grouping, counts, searchRef, onFilter, onGrouping }: JobFiltersProps) {
  const change = (changes: Partial<JobFilter>) => onFilter({ ...filter, ...changes });
  return (
    <search class="filters">
      <SearchField text={filter.text} inputRef={searchRef} onText={(text) => change({ text })} />
      <label class="field grouping">
        <span class="visually-hidden">Group by</span>
        <select
          value={grouping}
          onChange={({ currentTarget }) => onGrouping(currentTarget.value as Grouping)}
        >
          <option value="none">No groups</option>
          <option value="session">By session</option>
          <option value="worker">By worker</option>
        </select>
      </label>
      <IdSelect
        label="Worker"
        all="All workers"
        value={filter.worker}
        idOf={workerOf}
        onChange={(worker) => change({ worker })}
      />
      <IdSelect
        label="Session"
        all="All sessions"
        value={filter.session}
        idOf={sessionOf}
        onChange={(session) => change({ session })}
      />
      <StatusChips chosen={filter.statuses} counts={counts} onChosen={(statuses) => change({ statuses })} />
    </search>
  );
}

interface SearchFieldProps {
  text: string | undefined;
  inputRef: RefObject<HTMLInputElement | null>;
  onText: (text: string | undefined) => void;
}

function SearchField({ text = "", inputRef, onText }: SearchFieldProps) {
  return (
    <label class="field search">
      <Icon name="search" />
      <span class="visually-hidden">Search jobs</span>
      <input
        ref={inputRef}
        type="search"
        placeholder="Search jobs"
        value={text}
        onInput={({ currentTarget }) => onText(currentTarget.value || undefined)}
        onKeyDown={leaveByEscape}
      />
    </label>
  );
}

function leaveByEscape(event: TargetedKeyboardEvent<HTMLInputElement>): void {
  if (event.key !== "Escape") return;
  // Browsers would empty the field, and tell nobody.
  event.preventDefault();
  event.currentTarget.blur();
}

interface StatusChipsProps {
  /** None means all. */
  chosen: readonly JobStatus[];
  counts: StatusCounts;
  onChosen: (statuses: readonly JobStatus[]) => void;
}

function StatusChips({ chosen, counts, onChosen }: StatusChipsProps) {
  const toggle = (status: JobStatus) =>
    onChosen(JOB_STATUSES.filter((each) => (each === status) !== chosen.includes(each)));
  return (
    <fieldset class="chips">
      <legend class="visually-hidden">Status</legend>
      {JOB_STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          class="chip"
          aria-pressed={chosen.includes(status)}
          onClick={() => toggle(status)}
        >
          <Status status={status} />
          <span class="count">{number(counts[status])}</span>
        </button>
      ))}
    </fieldset>
  );
}

const workerOf = ({ workerId }: JobSnapshot) => workerId;
const sessionOf = ({ sessionId }: JobSnapshot) => sessionId;

/** Choices that a list can be looked through for; beyond, the search is better. */
const MAX_CHOICES = 200;

export interface IdSelectProps {
  label: string;
  /** What no choice is called. */
  all: string;
  value: string | undefined;
  idOf: (job: JobSnapshot) => string | undefined;
  onChange: (id: string | undefined) => void;
}

/** One of the ids that the newest jobs have. */
export function IdSelect({ label, all, value, idOf, onChange }: IdSelectProps) {
  const before = useRef<readonly string[]>([]);
  const ids = useComputed(() => {
    const found = distinct(idOf);
    // The same list again leaves what shows it alone, even if it is open.
    if (found.join("\n") !== before.current.join("\n")) before.current = found;
    return before.current;
  }).value;
  return (
    <label class="field">
      <span class="visually-hidden">{label}</span>
      <select
        value={value ?? ""}
        onChange={({ currentTarget }) => onChange(currentTarget.value || undefined)}
      >
        <option value="">{all}</option>
        {value !== undefined && !ids.includes(value) && <option value={value}>{title(value, "—")}</option>}
        {ids.map((id) => (
          <option key={id} value={id}>
            {title(id, "—")}
          </option>
        ))}
      </select>
    </label>
  );
}

function distinct(idOf: IdSelectProps["idOf"]): readonly string[] {
  const ids = new Set<string>();
  for (const { job } of live.store.newestFirst()) {
    const id = idOf(job.peek());
    if (id !== undefined) ids.add(id);
    if (ids.size >= MAX_CHOICES) break;
  }
  return [...ids].sort();
}
