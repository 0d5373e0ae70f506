import type { OrchestratorEvent, OrchestratorEventType } from "../event/event.ts";
import { subjectOf } from "../event/event-filter.ts";
import type { SqlValue, Statement, Store } from "../store/store.ts";

const ENDS: ReadonlySet<OrchestratorEventType> = new Set<OrchestratorEventType>([
  "orchestra.job.completed",
  "orchestra.job.failed",
  "orchestra.job.canceled",
]);

/** What answers for the jobs that a process begins. */
export interface Lease {
  /** Of the process's `Leases`. */
  id: string;
  /** Of the events that the process publishes itself. Those of any other source were posted from afar. */
  source: string;
}

/**
 * The jobs that have begun and not ended, each with the lease that answers for it: kept as events are
 * written. Nobody answers for a job that was posted from afar, as nothing is known of its process.
 *
 * An id is one job to everybody who reads the log, and the last `created` tells whose it is now. So that
 * takes the row over from an earlier run that was left open, live or not: else the new run would be ended
 * with its predecessor's process, or, when only its own is gone, never.
 */
export class OpenJobs {
  readonly #store: Store;
  readonly #lease: Lease | undefined;
  readonly #evict: Statement;
  /** By how many jobs they are for. */
  readonly #opens: Statement[] = [];
  readonly #closes: Statement[] = [];

  /** Without a lease all jobs are nobody's. */
  constructor(store: Store, lease: Lease | undefined) {
    this.#store = store;
    this.#lease = lease;
    this.#evict = store.prepare(
      `DELETE FROM open_jobs WHERE job_id IN (
         SELECT job_id FROM open_jobs WHERE owner IS NULL AND created < ? LIMIT ?
       )`,
    );
  }

  /** In the transaction that writes the events; `sequences` are theirs. At most some hundred at once. */
  note(events: readonly { event: OrchestratorEvent }[], sequences: readonly number[]): void {
    const opened = new Map<string, SqlValue[]>();
    const closed = new Set<string>();
    events.forEach(({ event }, index) => {
      const opens = event.type === "orchestra.job.created";
      if (!opens && !ENDS.has(event.type)) return;
      const { jobId } = subjectOf(event);
      // Inside a program `data` is trusted to its type, but an ill-made event must not fail the batch.
      if (typeof jobId !== "string") return;
      (opens ? closed : opened).delete(jobId);
      if (opens) opened.set(jobId, [jobId, this.#ownerOf(event), sequences[index] as number]);
      else closed.add(jobId);
    });
    if (opened.size > 0) this.#open(opened.size).run(...[...opened.values()].flat());
    if (closed.size > 0) this.#close(closed.size).run(...closed);
  }

  /** Lets go of at most `limit` jobs that are nobody's and whose `created` lies before `oldest`. */
  evict(oldest: number, limit: number): void {
    this.#evict.run(oldest, limit);
  }

  #ownerOf({ source }: OrchestratorEvent): string | null {
    return this.#lease !== undefined && source === this.#lease.source ? this.#lease.id : null;
  }

  #open(jobs: number): Statement {
    const rows = Array(jobs).fill("(?, ?, ?)").join(", ");
    this.#opens[jobs] ??= this.#store.prepare(
      `INSERT INTO open_jobs (job_id, owner, created) VALUES ${rows}
       ON CONFLICT (job_id) DO UPDATE SET owner = excluded.owner, created = excluded.created,
         seen_at = NULL, cancel_reason = NULL`,
    );
    return this.#opens[jobs];
  }

  #close(jobs: number): Statement {
    const ids = Array(jobs).fill("?").join(", ");
    this.#closes[jobs] ??= this.#store.prepare(`DELETE FROM open_jobs WHERE job_id IN (${ids})`);
    return this.#closes[jobs];
  }
}
