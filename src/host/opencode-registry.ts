import type { Job } from "../job/job.ts";
import type { JobCancelInput } from "../job/job-input.ts";
import { WorkerJobRegistry } from "../job/registry.ts";
import { ABORT_REASON } from "./opencode-outcome.ts";

/** The jobs of one OpenCode process. Whoever cancels one and does not say why has it aborted. */
export class OpenCodeRegistry extends WorkerJobRegistry {
  override cancel(id: string, cancellation: JobCancelInput = {}): Readonly<Job> {
    return super.cancel(id, { ...cancellation, reason: cancellation.reason || ABORT_REASON });
  }
}
