import { useRef } from "preact/hooks";
import { isFiltering } from "../jobs/job-filter.ts";
import { type Grouping, type JobList, listJobs } from "../jobs/job-list.ts";
import { adjust, closedGroups, live } from "../page.ts";
import { ALL_JOBS, type Route } from "../route.ts";
import { amount, number } from "../text/format.ts";
import { useShortcuts } from "../ui/keyboard.ts";
import { FirstSteps } from "./first-steps.tsx";
import { JobFilters } from "./job-filters.tsx";
import { JobTable } from "./job-table.tsx";

type JobsRoute = Extract<Route, { view: "jobs" }>;

/** All jobs, newest first, live. */
export function JobsView({ filter, grouping }: JobsRoute) {
  const search = useRef<HTMLInputElement>(null);
  const list = listJobs(live.store.newestFirst(), { filter, grouping, closed: closedGroups.value });
  const change = (changes: Partial<JobsRoute>) => adjust({ view: "jobs", filter, grouping, ...changes });
  const toggle = (key: string) => {
    const next = new Set(closedGroups.value);
    if (!next.delete(key)) next.add(key);
    closedGroups.value = next;
  };
  useShortcuts({ "/": () => search.current?.focus() });
  const isEmpty = live.isLoaded.value && live.store.size === 0;
  return (
    <section class="view jobs-view" aria-labelledby="view-title">
      <h1 id="view-title" class="visually-hidden" tabIndex={-1}>
        Jobs
      </h1>
      <JobFilters
        filter={filter}
        grouping={grouping}
        counts={list.counts}
        searchRef={search}
        onFilter={(next) => change({ filter: next })}
        onGrouping={(next: Grouping) => change({ grouping: next })}
      />
      {isEmpty ? (
        <FirstSteps />
      ) : (
        <>
          <JobTable list={list} onToggle={toggle} />
          <Footer list={list} isFiltered={isFiltering(filter)} onClear={() => change({ filter: ALL_JOBS })} />
        </>
      )}
    </section>
  );
}

function loadingText(): string {
  const { state } = live.link.value;
  return state === "closed" || state === "waiting" ? "The jobs cannot be read." : "Reading the jobs …";
}

interface FooterProps {
  list: JobList;
  isFiltered: boolean;
  onClear: () => void;
}

function Footer({ list, isFiltered, onClear }: FooterProps) {
  const { size, letGo } = live.store;
  if (!live.isLoaded.value) return <p class="table-foot">{loadingText()}</p>;
  return (
    <p class="table-foot">
      {isFiltered ? `${number(list.total)} of ${amount(size, "job")}` : amount(size, "job")}
      {isFiltered && (
        <button type="button" class="link" onClick={onClear}>
          Clear filters
        </button>
      )}
      {letGo.value > 0 && (
        <span class="muted">
          {amount(letGo.value, "older job was", "older jobs were")} let go to save memory
        </span>
      )}
    </p>
  );
}
