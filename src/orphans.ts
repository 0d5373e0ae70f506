import type { Durable } from "./durable.ts";
import type { JobSnapshot } from "./event/job-snapshot.ts";
import type { EventPublisher } from "./event/publisher.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";
import { hasEnded, type JobStory, readJobStory } from "./lifecycle/job-story.ts";
import type { JobObserver } from "./lifecycle/observe.ts";
import { recoverJobs } from "./lifecycle/recovery.ts";
import type { SpanOptions, Tracing } from "./tracing.ts";

export interface OrphanParts {
  /** Knows which jobs were handed over to this process. */
  registry: WorkerJobRegistry;
  publisher: EventPublisher;
  /** Begins to follow the registry, for the jobs that go on in it. */
  observe: () => JobObserver;
  rebuild: ((story: JobStory) => void) | undefined;
  /** Told of what the file failed with; it is tried again. */
  onError: (error: unknown) => void;
  /** Milliseconds between two looks for processes that have gone meanwhile. Default: 5,000. */
  intervalMs?: number | undefined;
}

/** Makes the spans of jobs whose process is gone, where spans leave by our own way out. */
export async function spanRebuilder(
  { outbox, resource }: Tracing,
  { tracer: _, sessionContext: __, startedSpans: ___, ...tracer }: SpanOptions,
): Promise<((story: JobStory) => void) | undefined> {
  if (outbox === undefined || resource === undefined) return undefined;
  const { createSpanRebuilder } = await import("../exporters/span-rebuild.ts");
  return createSpanRebuilder({ processor: outbox, resource, tracer });
}

/**
 * Takes over the open jobs of processes that are gone, now and again and again until the returned function
 * is called: ends them, or goes on with those handed over. Resolves after the first time; never rejects.
 */
export async function careForOrphans(
  durable: Pick<Durable, "log" | "leases">,
  parts: OrphanParts,
): Promise<() => Promise<void>> {
  const { onError, intervalMs = 5_000 } = parts;
  const look = () => recoverOrphans(durable, parts).catch(onError);
  let looking = look();
  await looking;
  const timer = setInterval(() => {
    // One after the other: the log may be long.
    looking = looking.then(look);
  }, intervalMs).unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

async function recoverOrphans(durable: Pick<Durable, "log" | "leases">, parts: OrphanParts): Promise<void> {
  const { log, leases } = durable;
  const { registry, publisher, observe, rebuild, onError } = parts;
  const resumed = new Set<string>();
  const resume = (job: JobSnapshot): boolean => {
    const { jobId, message = "", ...facts } = job;
    if (!registry.isAdopted(jobId)) return false;
    // First whoever follows it: to him it is known, and not a job that was begun unseen.
    observe().resume(job);
    registry.resume({ ...facts, id: jobId, message });
    resumed.add(jobId);
    return true;
  };
  await recoverJobs(
    leases.claimOrphans().map(({ jobId }) => jobId),
    { log, publish: (event) => publisher.publish(event), resume, onRecovered: rebuild, onError },
  );
  if (rebuild === undefined || resumed.size === 0) return;
  // No tracer here has their spans open, so these are made of the log, too, once the jobs have ended.
  const off = publisher.on(async ({ event }) => {
    const { jobId } = event.data as { jobId?: string };
    if (jobId === undefined || !resumed.has(jobId)) return;
    const story = await readJobStory(log, jobId);
    if (!hasEnded(story) || !resumed.delete(jobId)) return;
    rebuild(story);
    if (resumed.size === 0) off();
  });
}
