import type { OrchestratorEvent } from "./event/event.ts";
import type { EventLog } from "./event/event-log.ts";
import type { JobSnapshot } from "./event/job-snapshot.ts";
import type { EventPublisher } from "./event/publisher.ts";
import type { Leases, OrphanedJob } from "./event-log/sqlite-leases.ts";
import type { WorkerJobRegistry } from "./job/registry.ts";
import type { SpanRebuilder } from "./lifecycle/job-story.ts";
import type { JobTracer } from "./lifecycle/job-tracer.ts";
import type { JobObserver } from "./lifecycle/observe.ts";
import { recoverJobs } from "./lifecycle/recovery.ts";
import type { ResumedSpans } from "./lifecycle/resumed-spans.ts";
import type { SpanOptions, Tracing } from "./tracing.ts";

export interface OrphanParts {
  /** Knows which jobs were handed over to this process. */
  registry: WorkerJobRegistry;
  publisher: Pick<EventPublisher, "publish" | "drain">;
  /** Begins to follow the registry, for the jobs that go on in it. */
  observe: () => JobObserver;
  /** Gets the spans of the jobs that go on. */
  spans: ResumedSpans;
  rebuild: SpanRebuilder | undefined;
  /** Told of what the file failed with; it is tried again. */
  onError: (error: unknown) => void;
  /** Told of jobs that were handed over and are not there, and once that there are too many to be kept. */
  onWarning: (message: string) => void;
  /** Milliseconds between two looks for processes that have gone meanwhile. Default: 5,000. */
  intervalMs?: number | undefined;
  /**
   * Jobs kept for the next look when they could not be recovered. More are counted, and left to whoever
   * comes after this process. Default: 10,000.
   */
  maxWaiting?: number | undefined;
}

/** Where open jobs are, and who answers for them. */
export interface OrphanPlace {
  log: Pick<EventLog, "read" | "bounds">;
  leases: Pick<Leases, "claimOrphans" | "adopt" | "resume" | "forget">;
}

export interface OrphanStats {
  /** Jobs kept for the next look, as they could not be recovered. */
  waiting: number;
  /** Jobs beyond that: they stay open until this process has gone and another comes. */
  dropped: number;
}

export interface OrphanCare {
  /** Undefined when nothing is kept. */
  stats(): OrphanStats | undefined;
  /** What is under way is given up. Idempotent. */
  stop(): Promise<void>;
}

/** Makes the spans of jobs whose process is gone, where spans leave by our own way out. */
export async function spanRebuilder(
  { outbox, resource }: Tracing,
  { tracer: _, sessionContext: __, startedSpans: ___, ...tracer }: SpanOptions,
): Promise<SpanRebuilder | undefined> {
  if (outbox === undefined || resource === undefined) return undefined;
  const { createSpanRebuilder } = await import("../exporters/span-rebuild.ts");
  return createSpanRebuilder({ processor: outbox, resource, tracer });
}

/**
 * Takes over the open jobs of processes that are gone, now and again and again until it is stopped: ends
 * them, or goes on with those handed over. Resolves after the first time; never rejects.
 * @param place undefined when nothing is kept: then nothing is left open, either
 */
export async function careForOrphans(
  place: OrphanPlace | undefined,
  parts: OrphanParts,
): Promise<OrphanCare> {
  if (place === undefined) {
    warnOfAbsent(parts.registry.adopted, parts);
    return { stats: () => undefined, stop: async () => {} };
  }
  const orphanage = new Orphanage(place, parts);
  let looking = orphanage.look();
  await looking;
  let isIdle = true;
  const timer = setInterval(() => {
    if (!isIdle) return;
    isIdle = false;
    looking = orphanage.look().finally(() => {
      isIdle = true;
    });
  }, parts.intervalMs ?? 5_000).unref();
  const stop = async () => {
    clearInterval(timer);
    orphanage.close();
    await looking;
  };
  return { stats: () => orphanage.stats(), stop };
}

class Orphanage {
  readonly #place: OrphanPlace;
  readonly #parts: OrphanParts;
  readonly #maxWaiting: number;
  readonly #closing = new AbortController();
  /** What could not be recovered: a claim is handed out once. */
  #waiting: OrphanedJob[] = [];
  #dropped = 0;
  /** Ids of adopted jobs that the leases know of, or do not have. */
  readonly #announced = new Set<string>();

  constructor(place: OrphanPlace, parts: OrphanParts) {
    this.#place = place;
    this.#parts = parts;
    this.#maxWaiting = parts.maxWaiting ?? 10_000;
  }

  /** Never rejects. */
  async look(): Promise<void> {
    this.#attempt(() => this.#announce(), undefined);
    const claimed = this.#attempt(() => this.#place.leases.claimOrphans(), []);
    // Under one id the run that was claimed last is the one that is left.
    const orphans = new Map([...this.#waiting, ...claimed].map((orphan) => [orphan.jobId, orphan]));
    this.#waiting = [];
    try {
      await this.#recover([...orphans.values()]);
    } catch {
      // It was given up.
    }
  }

  stats(): OrphanStats {
    return { waiting: this.#waiting.length, dropped: this.#dropped };
  }

  /** Gives up what is under way. Its jobs are still ours, and left to whoever comes after this process. */
  close(): void {
    this.#closing.abort();
  }

  /** So that they go on here as soon as their process is gone. */
  #announce(): void {
    const unannounced = this.#parts.registry.adopted.filter((id) => !this.#announced.has(id));
    const absent: string[] = [];
    for (const id of unannounced) {
      if (!this.#place.leases.adopt(id)) absent.push(id);
      this.#announced.add(id);
    }
    warnOfAbsent(absent, this.#parts);
  }

  #attempt<T>(action: () => T, otherwise: T): T {
    try {
      return action();
    } catch (error) {
      this.#parts.onError(error);
      return otherwise;
    }
  }

  async #recover(orphans: readonly OrphanedJob[]): Promise<void> {
    const { log, leases } = this.#place;
    const { publisher, rebuild, onError } = this.#parts;
    await recoverJobs(orphans, {
      log,
      rebuild,
      signal: this.#closing.signal,
      resume: (job, tracer) => this.#resume(job, tracer),
      drain: () => publisher.drain(),
      publish: (end, orphan) => this.#publish(end, orphan),
      onRecovered: (orphan, recovery) => {
        if (recovery === "nothing") leases.forget(orphan);
        // It goes on whether or not the file takes that.
        if (recovery === "resumed") this.#attempt(() => leases.resume(orphan), undefined);
      },
      onError: (orphan, error) => {
        this.#keep(orphan);
        onError(error);
      },
    });
  }

  #publish(end: OrchestratorEvent, orphan: OrphanedJob): boolean {
    let isLost = false;
    this.#parts.publisher.publish(end, (outcome) => {
      isLost = outcome !== "appended" && outcome !== "duplicate";
      if (isLost) this.#keep(orphan);
    });
    return !isLost;
  }

  #resume(job: JobSnapshot, tracer: JobTracer | undefined): boolean {
    const { registry, observe, spans } = this.#parts;
    const { jobId, message = "", ...facts } = job;
    if (!registry.isAdopted(jobId)) return false;
    // First whoever follows it: to him it is known, and not a job that was begun unseen.
    observe().resume(job);
    if (tracer !== undefined) spans.add(jobId, tracer);
    registry.resume({ ...facts, id: jobId, message });
    return true;
  }

  #keep(orphan: OrphanedJob): void {
    if (this.#waiting.length < this.#maxWaiting) this.#waiting.push(orphan);
    else if (this.#dropped++ === 0) this.#parts.onWarning(tooMany(this.#maxWaiting));
  }
}

function tooMany(maxWaiting: number): string {
  return (
    `More than ${maxWaiting} jobs of processes that are gone could not be ended; those beyond are counted ` +
    "from now on, and left to the process that comes after this one"
  );
}

/** Of adopted jobs that nobody has left open. */
function warnOfAbsent(jobIds: readonly string[], { onWarning }: OrphanParts): void {
  if (jobIds.length === 0) return;
  const some = jobIds.slice(0, 3).map((id) => `\`${id}\``);
  const more = jobIds.length > some.length ? ` and ${jobIds.length - some.length} more` : "";
  onWarning(`No process has left open what was adopted to go on here: ${some.join(", ")}${more}`);
}
