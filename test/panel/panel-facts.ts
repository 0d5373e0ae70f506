import type { Page } from "playwright-core";
import type { JobSnapshot } from "../../src/event/job-snapshot.ts";
import { isTerminal } from "../../src/job/job.ts";
import { dateTime, duration } from "../../src/panel/text/format.ts";
import { progressText } from "../../src/panel/text/progress-text.ts";

/** What the view of a job tells: its title and status, its facts by their names, and its texts. */
export interface ShownFacts {
  title: string;
  status: string;
  facts: Record<string, string>;
  texts: string[];
  report: string[];
  isCancelable: boolean;
}

export function shownFacts(page: Page): Promise<ShownFacts> {
  return page.evaluate(() => {
    const text = (node: Element | null | undefined) => node?.textContent?.trim() ?? "";
    const all = (selector: string) => [...document.querySelectorAll(selector)];
    const firstOf = (value: Element | null) => value?.querySelector("a, code") ?? value;
    const names = all("section.facts dt");
    return {
      title: text(document.querySelector("h1")),
      status: text(document.querySelector(".job-state .status")),
      facts: Object.fromEntries(names.map((name) => [text(name), text(firstOf(name.nextElementSibling))])),
      texts: all("section.result .long-text pre, section.result .result-progress > p").map(text),
      report: all("section.result .report :is(p, li)").map(text),
      isCancelable: all(".job-head button.danger").length > 0,
    };
  });
}

/** What the view of this job has to tell. */
export function factsOf(job: JobSnapshot): ShownFacts {
  const { message, progress, error, reason, responsePreview, report = {} } = job;
  const texts = [message, progress && progressText(progress), error, reason, responsePreview];
  const { summary, issues = [], details, notes } = report;
  return {
    title: String(message),
    status: `${job.status[0]?.toUpperCase()}${job.status.slice(1)}`,
    facts: given({
      Worker: job.workerId,
      Session: job.sessionId,
      "Requested by": job.requestedBy,
      Parent: job.parentJobId,
      Attempt: String(job.attempt ?? 1),
      Queued: job.queuedAt && dateTime(job.queuedAt),
      Waited: job.queuedMs && duration(job.queuedMs),
      Started: dateTime(job.startedAt),
      Ended: job.finishedAt && dateTime(job.finishedAt),
      Took: job.durationMs && duration(job.durationMs),
      Events: String(job.revision + 1),
      Trace: job.traceparent?.split("-")[1],
    }),
    texts: texts.filter((text) => text !== undefined),
    report: [summary, ...issues, details, notes].filter((text) => text !== undefined),
    isCancelable: !isTerminal(job.status),
  };
}

function given(facts: Record<string, string | number | undefined>): Record<string, string> {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}
