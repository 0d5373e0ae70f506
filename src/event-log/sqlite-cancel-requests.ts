import { livenessOf } from "../store/process-identity.ts";
import type { Store } from "../store/store.ts";

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
  host: string | null;
  /** Null once it has signed out. */
  pid: number | null;
  startToken: string | null;
}

/**
 * Asks the process that runs a job for its end, by way of the file that both have open. A request is a mark on
 * the open job: there is one per run at most, it goes with who takes the job over, and it ends with the job.
 */
export class CancelRequests {
  readonly #store: Store;
  readonly #lease: string;
  readonly #intervalMs: number;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #timer: NodeJS.Timeout | undefined;

  /** In a file that has the tables of the log. @throws what SQLite throws */
  constructor(store: Store, { lease, intervalMs = 250 }: CancelRequestsOptions) {
    this.#store = store;
    this.#lease = lease;
    this.#intervalMs = intervalMs;
    this.#statements = prepareStatements(store);
  }

  /** False when no other process runs the job, as far as can be told. @throws what SQLite throws */
  ask(jobId: string, reason: string | undefined): boolean {
    return this.#store.transaction(() => {
      const runner = this.#statements.runner.get(jobId) as unknown as Runner | undefined;
      if (runner === undefined || runner.owner === this.#lease || isGone(runner)) return false;
      this.#statements.ask.run(reason ?? "", jobId);
      return true;
    });
  }

  /** The requests for jobs of ours, each once. Without any, the file is only read. @throws what SQLite throws */
  take(): CancelRequest[] {
    if (this.#statements.ours.get(this.#lease) === undefined) return [];
    return this.#store.transaction(() => {
      const asked = this.#statements.ours.all(this.#lease) as unknown as { jobId: string; reason: string }[];
      this.#statements.drop.run(this.#lease);
      return asked.map(({ jobId, reason }) => ({ jobId, reason: reason || undefined }));
    });
  }

  /**
   * Hands over requests for our jobs as they come, until it is closed; what `take` throws is tried again.
   * @param handler must not throw
   */
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
  const ours = "owner = ? AND cancel_reason IS NOT NULL";
  return {
    runner: store.prepare(
      `SELECT o.owner, i.host, i.pid, i.start_token AS startToken
       FROM open_jobs AS o LEFT JOIN instances AS i ON i.id = o.owner
       WHERE o.job_id = ? AND o.owner IS NOT NULL`,
    ),
    ask: store.prepare("UPDATE open_jobs SET cancel_reason = ? WHERE job_id = ?"),
    ours: store.prepare(`SELECT job_id AS jobId, cancel_reason AS reason FROM open_jobs WHERE ${ours}`),
    drop: store.prepare(`UPDATE open_jobs SET cancel_reason = NULL WHERE ${ours}`),
  };
}
