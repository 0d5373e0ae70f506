import { JOB_STATUSES, type JobStatus } from "../../job/job.ts";
import { compileFilter, fitsAnyStatus, type JobFilter } from "./job-filter.ts";
import type { JobEntry } from "./job-store.ts";

export type Grouping = "none" | "session" | "worker";

export const GROUPINGS: readonly Grouping[] = ["none", "session", "worker"];

export type StatusCounts = Record<JobStatus, number>;

export interface GroupRow {
  kind: "group";
  /** The session's or worker's id; undefined for jobs without a session. */
  id: string | undefined;
  key: string;
  counts: StatusCounts;
  total: number;
  isOpen: boolean;
}

interface JobRow {
  kind: "job";
  key: string;
  entry: JobEntry;
}

export type ListRow = GroupRow | JobRow;

export interface JobList {
  rows: readonly ListRow[];
  /** Jobs that fit, those in closed groups included. */
  total: number;
  /** Of the jobs that fit everything but the statuses. */
  counts: StatusCounts;
}

export interface JobListOptions {
  filter: JobFilter;
  grouping: Grouping;
  /** Keys of groups whose jobs are not listed. */
  closed: ReadonlySet<string>;
}

/** The rows of the table, in the order of `entries`; groups in that of their first job. */
export function listJobs(
  entries: readonly JobEntry[],
  { filter, grouping, closed }: JobListOptions,
): JobList {
  const compiled = compileFilter(filter);
  const counts = noCounts();
  const fitting: JobEntry[] = [];
  for (const entry of entries) {
    const job = entry.job.peek();
    if (!fitsAnyStatus(job, compiled)) continue;
    counts[job.status]++;
    if (compiled.statuses?.has(job.status) ?? true) fitting.push(entry);
  }
  const rows = grouping === "none" ? fitting.map(jobRow) : grouped(fitting, grouping, closed);
  return { rows, total: fitting.length, counts };
}

export function noCounts(): StatusCounts {
  return Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as StatusCounts;
}

function jobRow(entry: JobEntry): JobRow {
  return { kind: "job", key: `job:${entry.id}`, entry };
}

function grouped(
  entries: readonly JobEntry[],
  grouping: "session" | "worker",
  closed: ReadonlySet<string>,
): ListRow[] {
  const groups = Map.groupBy(entries, ({ job }) =>
    grouping === "session" ? job.peek().sessionId : job.peek().workerId,
  );
  return [...groups].flatMap(([id, members]): ListRow[] => {
    const key = `${grouping}:${id ?? ""}`;
    const counts = noCounts();
    for (const { job } of members) counts[job.peek().status]++;
    const isOpen = !closed.has(key);
    const head: GroupRow = { kind: "group", id, key, counts, total: members.length, isOpen };
    return isOpen ? [head, ...members.map(jobRow)] : [head];
  });
}
