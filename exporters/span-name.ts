import { OPERATION } from "../src/semconv.ts";

/** What a span's name is made from. */
export interface NamedJob {
  readonly workerId: string;
  readonly queuedAt?: number | undefined;
}

const WORKFLOW_PREFIX = "workflow:";

/** The workflow's id, for workers named `workflow:<id>`. */
export function workflowOf(workerId: string): string | undefined {
  return workerId.startsWith(WORKFLOW_PREFIX) ? workerId.slice(WORKFLOW_PREFIX.length) : undefined;
}

/** `gen_ai.operation.name` of a worker's jobs. */
export function operationOf(workerId: string): string {
  return workflowOf(workerId) === undefined ? OPERATION.INVOKE_AGENT : OPERATION.INVOKE_WORKFLOW;
}

/** `invoke_workflow {id}`, `process {worker}` for jobs that came through a queue, else `invoke_agent {worker}`. */
export function defaultSpanName(job: NamedJob): string {
  const workflow = workflowOf(job.workerId);
  if (workflow !== undefined) return `${OPERATION.INVOKE_WORKFLOW} ${workflow}`;
  const operation = job.queuedAt === undefined ? OPERATION.INVOKE_AGENT : OPERATION.PROCESS;
  return `${operation} ${job.workerId}`;
}
