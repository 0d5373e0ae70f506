import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { number, title } from "./format.ts";

export type Progress = NonNullable<JobSnapshot["progress"]>;

/** 0 to 100; undefined when the job does not say. */
export function percentOf({ percent, current, total }: Progress): number | undefined {
  const value =
    percent ??
    (current !== undefined && total !== undefined && total > 0 ? (100 * current) / total : undefined);
  return value === undefined ? undefined : Math.min(100, Math.max(0, value));
}

/** How far a job is, in a line. */
export function progressText(progress: Progress): string {
  const { current, total, unit, stage, message } = progress;
  const percent = percentOf(progress);
  const count = current === undefined ? undefined : [number(current), total && `of ${number(total)}`, unit];
  return [
    percent === undefined ? undefined : `${Math.floor(percent)} %`,
    count?.filter(Boolean).join(" "),
    stage,
    message === "" ? undefined : title(message),
  ]
    .filter(Boolean)
    .join(" · ");
}
