import { livenessOf } from "../store/process-identity.ts";
import type { Store } from "../store/store.ts";
import { openSchema } from "./sqlite-schema.ts";

export interface CancelRequestsOptions {
  /** Of our own process's `Leases`. */
  lease: string;
  /** Milliseconds between two looks for requests. Default: 250. */
  intervalMs?: number | undefined;
}

export interface CancelRequest {
  jobId: string;
  reason: string | undefined;
}

/** Who runs a job, as far as it has signed in. */
interface Runner {
  owner: string;
  created: number;
  host: string | null;
  /** Null once it has signed out. */
  pid: number | null;
  startToken: string | null;
}

/**
 * Asks the process that runs a job for its end, by way of the file that both have open. There is one request
 * per run of a job at most, and none outlives it.
 */
export class CancelRequests {
  readonly #store: Store;
  readonly #lease: string;
  readonly #intervalMs: number;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #timer: NodeJS.Timeout | undefined;

  /** @throws what SQLite throws when there are no tables yet and none can be made */
  constructor(store: Store, { lease, intervalMs = 250 }: CancelRequestsOptions) {
    openSchema(store);
    this.#store = store;
    this.#lease = lease;
    this.#intervalMs = intervalMs;
    this.#statements = prepareStatements(store);
  }

  /** False when no other process runs the job, as far as can be told. @throws what SQLite throws */
  ask(jobId: string, reason: string | undefined): boolean {
    const runner = this.#statements.runner.get(jobId) as unknown as Runner | undefined;
    if (runner === undefined || runner.owner === this.#lease || isGone(runner)) return false;
    this.#store.transaction(() => {
      this.#statements.dropStale.run();
      this.#statements.ask.run(jobId, runner.created, reason ?? null);
    });
    return true;
  }

  /** The requests for jobs of ours, each once. Without any, the file is only read. @throws what SQLite throws */
  take(): CancelRequest[] {
    if (this.#statements.ours.get(this.#lease) === undefined) return [];
    const rows = this.#store.transaction(() => {
      const asked = this.#statements.ours.all(this.#lease);
      for (const { jobId } of asked) this.#statements.drop.run(jobId as string);
      return asked;
    });
    return rows.map(({ jobId, reason }) => ({
      jobId: jobId as string,
      reason: (reason as string | null) ?? undefined,
    }));
  }

  /** Hands over requests for our jobs as they come, until it is closed; what `take` throws is tried again. */
  watch(handler: (request: CancelRequest) => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const request of this.#takeIfPossible()) handler(request);
    }, this.#intervalMs).unref();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #takeIfPossible(): CancelRequest[] {
    try {
      return this.take();
    } catch {
      return [];
    }
  }
}

/** One that has not signed in may be there all the same: the file does not always take it. */
function isGone({ host, pid, startToken }: Runner): boolean {
  return host !== null && (pid === null || livenessOf({ host, pid, startToken }) === "gone");
}

function prepareStatements(store: Store) {
  const ofRun = "o.job_id = r.job_id AND o.created = r.created";
  return {
    runner: store.prepare(
      `SELECT o.owner, o.created, i.host, i.pid, i.start_token AS startToken
       FROM open_jobs AS o LEFT JOIN instances AS i ON i.id = o.owner
       WHERE o.job_id = ? AND o.owner IS NOT NULL`,
    ),
    ask: store.prepare("REPLACE INTO cancel_requests (job_id, created, reason) VALUES (?, ?, ?)"),
    dropStale: store.prepare(
      `DELETE FROM cancel_requests AS r WHERE NOT EXISTS (SELECT 1 FROM open_jobs AS o WHERE ${ofRun})`,
    ),
    ours: store.prepare(
      `SELECT r.job_id AS jobId, r.reason FROM cancel_requests AS r JOIN open_jobs AS o ON ${ofRun}
       WHERE o.owner = ? ORDER BY r.job_id`,
    ),
    drop: store.prepare("DELETE FROM cancel_requests WHERE job_id = ?"),
  };
}
