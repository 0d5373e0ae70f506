import { oneLine, readableDuration } from "../../exporters/log-text.ts";
import { isJobEvent, type JobEvent, type OrchestratorEvent } from "../event/event.ts";
import { applyJobEvent, type JobSnapshot } from "../event/job-snapshot.ts";
import { wholePercent } from "../event/whole-percent.ts";
import { isTerminal } from "../job/job.ts";
import { fitText, type Paint, plainText } from "./terminal.ts";

const BAR_WIDTH = 20;
/** Bars shown at once; how many more jobs run is said below them. */
const MAX_BARS = 8;
/** Running jobs remembered; the oldest is forgotten first, as its end may never come. */
const MAX_JOBS = 1_000;

/** One progress bar for each running job that the feed has told of. */
export class JobBars {
  readonly #jobs = new Map<string, JobSnapshot>();

  apply(event: OrchestratorEvent): void {
    if (!isJobEvent(event) || event.type === "orchestra.job.reported") return;
    const { jobId } = event.data;
    const job = applyJobEvent(this.#jobs.get(jobId), event as JobEvent);
    if (isTerminal(job.status)) this.#jobs.delete(jobId);
    else this.#jobs.set(jobId, job);
    if (this.#jobs.size > MAX_JOBS) this.#forgetOldest();
  }

  /** Forgets all jobs: what was missed may have ended them. */
  clear(): void {
    this.#jobs.clear();
  }

  /** Lines of at most `columns` columns. */
  render(columns: number, now: number, paint: Paint): string[] {
    const jobs = [...this.#jobs.values()];
    const lines = jobs.slice(0, MAX_BARS).map((job) => bar(job, columns, now, paint));
    const more = jobs.length - lines.length;
    if (more > 0) lines.push(paint("dim", fitText(`… and ${more} more`, columns)));
    return lines;
  }

  #forgetOldest(): void {
    const [oldest] = this.#jobs.keys();
    this.#jobs.delete(oldest as string);
  }
}

/** Beyond what its type promises, a snapshot holds whatever fields the events had. */
function bar(job: JobSnapshot, columns: number, now: number, paint: Paint): string {
  const percent = percentOf(job.progress?.percent);
  const filled = Math.round(((percent ?? 0) / 100) * BAR_WIDTH);
  const head = "━".repeat(filled);
  const track = "─".repeat(BAR_WIDTH - filled);
  const amount = percent === undefined ? "" : `${wholePercent(percent)} %`;
  const elapsed = readableDuration(Math.max(0, now - job.startedAt));
  const text = [
    amount.padStart(5),
    textOf(job.workerId),
    elapsed,
    textOf(job.progress?.message) || textOf(job.message),
  ];
  const rest = fitText(text.join(" "), columns - BAR_WIDTH - 1);
  return columns > BAR_WIDTH
    ? `${paint("cyan", head)}${paint("dim", track)} ${rest}`
    : fitText(rest, columns);
}

function percentOf(value: unknown): number | undefined {
  return typeof value === "number" ? Math.min(100, Math.max(0, value)) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? plainText(oneLine(value)) : "";
}
