import { inject, type TestContext } from "vitest";
import { audit, type Evidence, type Verdict } from "./audit.ts";
import { drawJobs } from "./job-tree.ts";
import { PLUGIN } from "./plugin-package.ts";
import { drawSpans } from "./span-tree.ts";
import { Stage, type StageOptions } from "./stage.ts";
import type { Story } from "./stories.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the audit has counted, for who sums it up over all tests. */
    verdict?: Verdict;
  }
}

/** A stage that is gone when the test ends; with the plugin unless told otherwise. */
export async function openStage(context: TestContext, options: Partial<StageOptions> = {}): Promise<Stage> {
  const stage = await Stage.open({ ...inject("opencode"), plugins: [PLUGIN], ...options });
  context.onTestFinished(() => stage.close());
  return stage;
}

/** The evidence has no fault, and tells this story. */
export function expectStory(evidence: Evidence, { jobs, spans }: Story, { expect, task }: TestContext): void {
  const { counts, examples } = audit(evidence);
  task.meta.verdict = counts;
  const told = { jobs: drawJobs(evidence.log), spans: drawSpans(evidence.spans) };
  expect({ faults: examples, ...told }).toEqual({ faults: [], jobs, spans });
}
