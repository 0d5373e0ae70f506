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

/** What runs need of a registry. */
export type RunRegistry = Pick<
  WorkerJobRegistry,
  "get" | "create" | "updateProgress" | "setResult" | "setError" | "cancel" | "onJobEvent"
>;

/** The same jobs for who may not tell all: `redact` sees every text before it is in one. */
export function redactedRegistry(registry: RunRegistry, redact: (text: string) => string): RunRegistry {
  const redacted = (text: string | undefined) => text && redact(text);
  return {
    get: (id) => registry.get(id),
    onJobEvent: (handler) => registry.onJobEvent(handler),
    create: (input) => registry.create({ ...input, message: redact(input.message) }),
    updateProgress: (id, progress) =>
      registry.updateProgress(id, { ...progress, message: redact(progress.message) }),
    setResult: (id, result) =>
      registry.setResult(id, { ...result, responseText: redacted(result?.responseText) }),
    setError: (id, failure) => registry.setError(id, { ...failure, error: redact(String(failure.error)) }),
    cancel: (id, cancellation) =>
      registry.cancel(id, { ...cancellation, reason: redacted(cancellation?.reason) }),
  };
}
