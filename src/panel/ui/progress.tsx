import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { title } from "../text/format.ts";
import { type Progress, percentOf, progressText } from "../text/progress-text.ts";

/** The bar says what the text beside it says. */
export function ProgressBar({ progress }: { progress: Progress }) {
  const percent = percentOf(progress);
  return (
    <span class={percent === undefined ? "bar is-unknown" : "bar"} aria-hidden="true">
      <span class="bar-done" style={{ width: percent === undefined ? "100%" : `${percent}%` }} />
    </span>
  );
}

/** What a job is doing, or what came of it, in a line. */
export function Outcome({ job }: { job: JobSnapshot }) {
  const { status, progress, error, errorType, reason, report, responsePreview } = job;
  if (status === "running" && progress !== undefined) {
    return (
      <span class="outcome">
        <ProgressBar progress={progress} />
        <span class="cut">{progressText(progress)}</span>
      </span>
    );
  }
  const text = {
    queued: "Waiting for a worker",
    running: "",
    succeeded: report?.summary ?? responsePreview ?? "",
    failed: title(error, errorType ?? ""),
    canceled: reason ?? "",
  }[status];
  return <span class={`outcome cut is-${status}`}>{title(text, "")}</span>;
}
