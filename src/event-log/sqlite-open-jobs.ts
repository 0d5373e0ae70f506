import type { OrchestratorEvent, OrchestratorEventType } from "../event/event.ts";
import { subjectOf } from "../event/event-filter.ts";
import type { SqlValue, Statement, Store } from "../store/store.ts";

const ENDS: ReadonlySet<OrchestratorEventType> = new Set<OrchestratorEventType>([
  "orchestra.job.completed",
  "orchestra.job.failed",
  "orchestra.job.canceled",
]);

/** The jobs that have begun and not ended, each with whose it is: kept as events are written. */
export class OpenJobs {
  readonly #store: Store;
  /** By how many jobs they are for. */
  readonly #opens: Statement[] = [];
  readonly #closes: Statement[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** In the transaction that writes the events; `sequences` are theirs. At most some hundred at once. */
  note(events: readonly { event: OrchestratorEvent }[], sequences: readonly number[]): void {
    const opened: SqlValue[] = [];
    const closed: SqlValue[] = [];
    events.forEach(({ event }, index) => {
      const opens = event.type === "orchestra.job.created";
      if (!opens && !ENDS.has(event.type)) return;
      const { jobId } = subjectOf(event);
      // Inside a program `data` is trusted to its type, but an ill-made event must not fail the batch.
      if (typeof jobId !== "string") return;
      if (opens) opened.push(jobId, ownerOf(event), sequences[index] as number);
      else closed.push(jobId);
    });
    if (opened.length > 0) this.#open(opened.length / 3).run(...opened);
    if (closed.length > 0) this.#close(closed.length).run(...closed);
  }

  #open(jobs: number): Statement {
    const rows = Array(jobs).fill("(?, ?, ?)").join(", ");
    this.#opens[jobs] ??= this.#store.prepare(
      `INSERT OR IGNORE INTO open_jobs (job_id, owner, created) VALUES ${rows}`,
    );
    return this.#opens[jobs];
  }

  #close(jobs: number): Statement {
    const ids = Array(jobs).fill("?").join(", ");
    this.#closes[jobs] ??= this.#store.prepare(`DELETE FROM open_jobs WHERE job_id IN (${ids})`);
    return this.#closes[jobs];
  }
}

function ownerOf({ source }: OrchestratorEvent): string | null {
  return typeof source === "string" ? source : null;
}
