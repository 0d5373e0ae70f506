import { JOB_STATUSES, type JobStatus } from "../job/job.ts";
import type { JobFilter } from "./jobs/job-filter.ts";
import { GROUPINGS, type Grouping } from "./jobs/job-list.ts";
import { encoded } from "./text/trace-link.ts";

/** What is shown: all that a link to it has to hold. */
export type Route =
  | { view: "jobs"; filter: JobFilter; grouping: Grouping }
  | { view: "timeline"; session?: string | undefined; span: TimeSpan }
  | { view: "job"; jobId: string }
  | { view: "workers" }
  | { view: "health" };

/** The last so many minutes, up to now; or from one time to another, in milliseconds since the epoch. */
export type TimeSpan = { minutes: number } | { from: number; to: number };

export const DEFAULT_SPAN: TimeSpan = { minutes: 5 };
/** A week: beyond, nobody can see a job. */
const MAX_MINUTES = 7 * 24 * 60;

export const ALL_JOBS: JobFilter = { statuses: [] };

/** Anything that is no address of ours shows all jobs. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = split(hash.replace(/^#?\/?/, ""), "?");
  const params = new URLSearchParams(query);
  const [view, id] = split(path, "/");
  if (view === "jobs" && id) return { view: "job", jobId: decoded(id) };
  if (view === "timeline") {
    return { view, session: params.get("session") ?? undefined, span: parseSpan(params) };
  }
  if (view === "workers" || view === "health") return { view };
  return { view: "jobs", filter: parseFilter(params), grouping: parseGrouping(params.get("group")) };
}

export function formatRoute(route: Route): string {
  switch (route.view) {
    case "jobs":
      return withQuery("#/jobs", { ...filterQuery(route.filter), group: groupQuery(route.grouping) });
    case "job":
      return `#/jobs/${encoded(route.jobId)}`;
    case "timeline":
      return withQuery("#/timeline", { session: route.session, ...spanQuery(route.span) });
    default:
      return `#/${route.view}`;
  }
}

function withQuery(path: string, values: Record<string, string | undefined>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

function parseFilter(params: URLSearchParams): JobFilter {
  const wanted = (params.get("status") ?? "").split(",");
  return {
    statuses: JOB_STATUSES.filter((status: JobStatus) => wanted.includes(status)),
    worker: params.get("worker") || undefined,
    session: params.get("session") || undefined,
    text: params.get("q") || undefined,
  };
}

function filterQuery({ statuses, worker, session, text }: JobFilter): Record<string, string | undefined> {
  return { status: statuses.join(",") || undefined, worker, session, q: text };
}

function parseGrouping(value: string | null): Grouping {
  return GROUPINGS.find((grouping) => grouping === value) ?? "none";
}

function groupQuery(grouping: Grouping): string | undefined {
  return grouping === "none" ? undefined : grouping;
}

function parseSpan(params: URLSearchParams): TimeSpan {
  const [from, to] = [Number(params.get("from")), Number(params.get("to"))];
  if (params.has("from") && from >= 0 && to > from) return { from, to };
  const minutes = Number(params.get("minutes"));
  return minutes > 0 ? { minutes: Math.min(minutes, MAX_MINUTES) } : DEFAULT_SPAN;
}

function spanQuery(span: TimeSpan): Record<string, string | undefined> {
  if ("from" in span) return { from: String(Math.round(span.from)), to: String(Math.round(span.to)) };
  const isDefault = "minutes" in DEFAULT_SPAN && span.minutes === DEFAULT_SPAN.minutes;
  return { minutes: isDefault ? undefined : String(span.minutes) };
}

function split(text: string, separator: string): [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
