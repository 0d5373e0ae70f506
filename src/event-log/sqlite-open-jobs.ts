import type { OrchestratorEvent, OrchestratorEventType } from "../event/event.ts";
import { subjectOf } from "../event/event-filter.ts";
import type { Statement, Store } from "../store/store.ts";

const ENDS: ReadonlySet<OrchestratorEventType> = new Set<OrchestratorEventType>([
  "orchestra.job.completed",
  "orchestra.job.failed",
  "orchestra.job.canceled",
]);

/** The jobs that have begun and not ended, each with whose it is: kept as events are written. */
export class OpenJobs {
  readonly #open: Statement;
  readonly #close: Statement;

  constructor(store: Store) {
    this.#open = store.prepare("INSERT OR IGNORE INTO open_jobs (job_id, owner, created) VALUES (?, ?, ?)");
    this.#close = store.prepare("DELETE FROM open_jobs WHERE job_id = ?");
  }

  /** In the transaction that writes the event. */
  note(event: OrchestratorEvent, sequence: number): void {
    const opens = event.type === "orchestra.job.created";
    if (!opens && !ENDS.has(event.type)) return;
    const { jobId } = subjectOf(event);
    // Inside a program `data` is trusted to its type, but an ill-made event must not fail the batch.
    if (typeof jobId !== "string") return;
    if (opens) this.#open.run(jobId, typeof event.source === "string" ? event.source : null, sequence);
    else this.#close.run(jobId);
  }
}
