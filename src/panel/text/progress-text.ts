import type { JobSnapshot } from "../../event/job-snapshot.ts";
import { wholePercent } from "../../event/whole-percent.ts";
import { number, title } from "./format.ts";

export type Progress = NonNullable<JobSnapshot["progress"]>;
type Amount = Pick<Progress, "percent" | "current" | "total">;

/** 0 to 100; undefined when the job does not say. */
export function percentOf({ percent, current, total }: Amount): number | undefined {
  const value =
    percent ??
    (current !== undefined && total !== undefined && total > 0 ? (100 * current) / total : undefined);
  return value === undefined ? undefined : Math.min(100, Math.max(0, value));
}

/** How far a job is, in a line. */
export function progressText(progress: Omit<Progress, "updatedAt">): string {
  const { current, total, unit, message } = progress;
  const stage = title(progress.stage, "");
  const percent = percentOf(progress);
  const count =
    current === undefined ? undefined : [number(current), total && `of ${number(total)}`, title(unit, "")];
  const counted = count?.filter(Boolean).join(" ") ?? "";
  const told = message === "" ? "" : title(message);
  return [
    percent === undefined ? undefined : `${wholePercent(percent)} %`,
    counted,
    isSaid(stage, [counted, told]) ? undefined : stage,
    told,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Whether one of `texts` has the words of a stage anyway, such as `step 3` or `2 steps` those of `step`. */
function isSaid(stage: string, texts: readonly string[]): boolean {
  const words = wordsOf(stage);
  const inText = (text: string) => [words, `${words}s`].some((each) => ` ${text} `.includes(` ${each} `));
  return words !== "" && texts.map(wordsOf).some(inText);
}

function wordsOf(text: string): string {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(" ");
}
