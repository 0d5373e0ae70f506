import type { Page } from "playwright-core";
import type { JobSnapshot } from "../../src/event/job-snapshot.ts";
import { isTerminal } from "../../src/job/job.ts";
import { duration, elapsed, title } from "../../src/panel/text/format.ts";
import { progressText } from "../../src/panel/text/progress-text.ts";
import type { PanelGlobals } from "./panel-page.ts";

/** A row of the table of jobs, as it is read. */
export interface ShownJob {
  status: string;
  jobId: string;
  title: string;
  attempt: string;
  worker: string;
  session: string;
  outcome: string;
  time: string;
  started: string;
}

/** All rows from the first to the last, wherever the table has to be scrolled to. */
export function shownJobs(page: Page): Promise<ShownJob[]> {
  return page.getByRole("table", { name: "Jobs, newest first" }).evaluate(async (table) => {
    const { drawn } = globalThis as never as PanelGlobals;
    const scroller = table.parentElement as HTMLElement;
    const text = (node: Element | null | undefined) => node?.textContent ?? "";
    const read = (row: HTMLTableRowElement) => {
      const [status, job, worker, session, outcome, time, started] = row.cells;
      const link = job?.querySelector("a");
      return {
        status: text(status),
        jobId: decodeURIComponent((link?.getAttribute("href") ?? "").replace("#/jobs/", "")),
        title: text(link),
        attempt: text(job?.querySelector(".badge")),
        worker: text(worker),
        session: text(session),
        outcome: text(outcome),
        time: text(time),
        started: started?.querySelector("time")?.getAttribute("datetime") ?? "",
      };
    };
    const rows = new Map<number, ReturnType<typeof read>>();
    for (let top = 0; ; top += scroller.clientHeight / 2) {
      scroller.scrollTop = top;
      await drawn();
      await drawn();
      for (const row of table.querySelectorAll<HTMLTableRowElement>("tbody tr[aria-rowindex]")) {
        rows.set(Number(row.getAttribute("aria-rowindex")), read(row));
      }
      if (top + scroller.clientHeight >= scroller.scrollHeight) break;
    }
    scroller.scrollTop = 0;
    return [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
  });
}

/** The row that tells of this job, at a time in milliseconds since the epoch. */
export function rowOf(job: JobSnapshot, now: number): ShownJob {
  const { status, jobId, workerId, sessionId, attempt = 1, startedAt } = job;
  const since = status === "queued" ? (job.queuedAt ?? startedAt) : startedAt;
  return {
    status: `${status[0]?.toUpperCase()}${status.slice(1)}`,
    jobId,
    title: title(job.message),
    attempt: attempt > 1 ? `attempt ${attempt}` : "",
    worker: workerId,
    session: sessionId ?? "—",
    outcome: outcomeOf(job),
    time: isTerminal(status) ? duration(job.durationMs as number) : elapsed(now - since),
    started: new Date(startedAt).toISOString(),
  };
}

function outcomeOf({ status, progress, report, responsePreview, error, reason }: JobSnapshot): string {
  switch (status) {
    case "queued":
      return "Waiting for a worker";
    case "running":
      return progress === undefined ? "" : progressText(progress);
    case "succeeded":
      return title(report?.summary ?? responsePreview, "");
    case "failed":
      return title(error, "");
    case "canceled":
      return title(reason, "");
  }
}

/** The bridge's own list, newest first. */
export async function listedJobs(url: string): Promise<JobSnapshot[]> {
  const jobs: JobSnapshot[] = [];
  let after: string | undefined = "";
  while (after !== undefined) {
    const query: URLSearchParams = new URLSearchParams(
      after === "" ? { limit: "1000" } : { limit: "1000", after },
    );
    const answer = await fetch(`${url}/v1/jobs?${query}`);
    const page = (await answer.json()) as { jobs: JobSnapshot[]; next?: string };
    jobs.push(...page.jobs);
    after = page.next;
  }
  return jobs;
}
