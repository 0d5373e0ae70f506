import { invalidArgument } from "../errors.ts";
import { formatCursor } from "../event/cursor.ts";
import type { Cursor } from "../event/event-log.ts";
import { ownProcess, type ProcessIdentity } from "../store/process-identity.ts";
import type { Store } from "../store/store.ts";
import { type LeaseRow, LeaseWatch, type Sighting } from "./sqlite-lease-watch.ts";
import { openSchema } from "./sqlite-schema.ts";

export interface LeasesOptions {
  /** Milliseconds between two signs of life. Default: 5,000. */
  heartbeatMs?: number | undefined;
  /**
   * Milliseconds without a sign of life, as we see it, after which a process counts as gone that cannot be
   * looked up: one of another host, or where the system does not tell when a process began. At least twice
   * `heartbeatMs`. Default: 15,000.
   */
  leaseMs?: number | undefined;
  /** Milliseconds since the epoch, for people to read and for the ends of orphans. Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Milliseconds that only grow, from whatever beginning. Default: `performance.now`. */
  elapsed?: (() => number) | undefined;
  /** Default: this process. */
  process?: ProcessIdentity | undefined;
}

/** An open job whose process is gone. It is ours now. */
export interface OrphanedJob {
  jobId: string;
  /** The lease that it belonged to. */
  owner: string;
  /** The sequence that it began at: one of ours may have its id since. */
  created: number;
  /** Reading the log after this cursor finds this run of the job, and no earlier one of the same id. */
  after: Cursor;
  /**
   * When the process that ran it showed its last sign of life, in milliseconds since the epoch by its own
   * clock; undefined when it never did.
   */
  seenAt: number | undefined;
}

/** Which process answers for which open job. */
export interface Leases {
  /** Unique, however alike the processes are; what owns the jobs that a log with this lease writes. */
  readonly id: string;
  /**
   * Takes over the open jobs of processes that are gone; of several that ask, one gets each job, once. Jobs
   * of a live process are left alone however long it was silent, and so are those posted from afar:
   * nothing is known of their end.
   *
   * The first call takes all at once. Later ones leave a gone process's jobs for one more look, so that they
   * are there for a process that starts in its place; but not those that were adopted.
   * @throws what SQLite throws; nothing is taken then. Without anything to take, the file is only read.
   */
  claimOrphans(): readonly OrphanedJob[];
  /**
   * Announces that a job goes on here once its process is gone: `claimOrphans` then has it before others do.
   * False when no process has the job open. @throws what SQLite throws
   */
  adopt(jobId: string): boolean;
  /** A job that was claimed goes on here, for as long as we show signs of life. @throws what SQLite throws */
  resume(job: OrphanedJob): void;
  /** Lets go of a job that was claimed, and of which there is nothing left to tell. @throws what SQLite throws */
  forget(job: OrphanedJob): void;
  /** Signs out: the jobs that are still open are orphans from now on. Idempotent; never throws. */
  release(): void;
}

/**
 * Signs in, which is tried again with each heartbeat for as long as the file takes nothing.
 * @throws INVALID_ARGUMENT, and what SQLite throws when there are no tables yet and none can be made
 */
export function createLeases(store: Store, options: LeasesOptions = {}): Leases {
  return new StoredLeases(store, options);
}

class StoredLeases implements Leases {
  readonly id = crypto.randomUUID();
  readonly #store: Store;
  readonly #epoch: string;
  readonly #statements: Statements;
  readonly #watch: LeaseWatch;
  readonly #now: () => number;
  readonly #process: ProcessIdentity;
  readonly #timer: NodeJS.Timeout;
  /** Open jobs of others that go on here. */
  readonly #adopted = new Set<string>();
  #beats = 0;
  #hasLooked = false;
  #released = false;

  constructor(store: Store, options: LeasesOptions) {
    const { heartbeatMs = 5_000, leaseMs = 15_000, now = Date.now } = options;
    if (!(heartbeatMs > 0)) throw invalidArgument("heartbeatMs", "a number above 0", heartbeatMs);
    if (!(leaseMs >= 2 * heartbeatMs)) {
      throw invalidArgument("leaseMs", "at least twice `heartbeatMs`", leaseMs);
    }
    this.#store = store;
    this.#epoch = openSchema(store).epoch;
    this.#statements = prepareStatements(store);
    const { elapsed = () => performance.now() } = options;
    this.#watch = new LeaseWatch({ heartbeatMs, leaseMs, elapsed });
    this.#now = now;
    this.#process = options.process ?? ownProcess();
    this.#beat();
    this.#timer = setInterval(() => this.#beat(), heartbeatMs).unref();
  }

  claimOrphans(): readonly OrphanedJob[] {
    const gone = this.#watch.look(this.#others()).filter(({ goneLooks }) => goneLooks > 0);
    const isStart = !this.#hasLooked;
    this.#hasLooked = true;
    const due = gone.filter(({ goneLooks }) => isStart || goneLooks > 1);
    const adopted = gone.length === due.length ? [] : this.#adoptedOf(gone);
    if (due.length === 0 && adopted.length === 0) return [];
    const claimed = this.#store.transaction(() => [
      ...adopted.flatMap(({ sighting, jobId }) => this.#claimOne(sighting, jobId)),
      ...due.flatMap((sighting) => this.#claimAll(sighting)),
    ]);
    for (const { jobId } of claimed) this.#adopted.delete(jobId);
    return claimed;
  }

  adopt(jobId: string): boolean {
    const owner = this.#ownerOf(jobId);
    if (owner === null) return false;
    if (owner !== this.id) this.#adopted.add(jobId);
    return true;
  }

  resume({ jobId, created }: OrphanedJob): void {
    this.#statements.resume.run(jobId, this.id, created);
  }

  forget({ jobId, created }: OrphanedJob): void {
    this.#statements.forget.run(jobId, this.id, created);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    try {
      this.#store.transaction(() => {
        this.#sign(null);
        this.#statements.dropIdle.run(this.id);
      });
    } catch {
      // Then others find out by themselves, once this process has ended.
    }
  }

  /** A full disk or a busy file is no trouble for anybody: the next one may succeed. */
  #beat(): void {
    try {
      this.#store.transaction(() => this.#sign(this.#process.pid));
    } catch {
      // Siblings on this host do not go by it, and others wait for several.
    }
  }

  #sign(pid: number | null): void {
    const { host, startToken } = this.#process;
    this.#statements.sign.run(this.id, host, pid, startToken, ++this.#beats, this.#now());
  }

  #others(): LeaseRow[] {
    return this.#statements.others.all(this.id) as unknown as LeaseRow[];
  }

  #adoptedOf(gone: readonly Sighting[]): { sighting: Sighting; jobId: string }[] {
    return [...this.#adopted].flatMap((jobId) => {
      const owner = this.#ownerOf(jobId);
      const sighting = gone.find(({ row }) => row.id === owner);
      return sighting === undefined ? [] : [{ sighting, jobId }];
    });
  }

  #ownerOf(jobId: string): string | null {
    return (this.#statements.ownerOf.get(jobId)?.owner as string | null | undefined) ?? null;
  }

  #claimOne({ row }: Sighting, jobId: string): OrphanedJob[] {
    if (!this.#isUnchanged(row)) return [];
    return this.#orphansOf(row, this.#statements.claimOne.all(this.id, row.id, jobId));
  }

  #claimAll({ row }: Sighting): OrphanedJob[] {
    if (!this.#isUnchanged(row)) return [];
    const { claimAll, drop } = this.#statements;
    const jobs = claimAll.all(this.id, row.id);
    drop.run(row.id);
    return this.#orphansOf(row, jobs);
  }

  /** Since the look, its process may have shown life, or another may have claimed what it left. */
  #isUnchanged({ id, beat }: LeaseRow): boolean {
    return (this.#statements.beatOf.get(id)?.beat ?? null) === beat;
  }

  #orphansOf({ id: owner }: LeaseRow, rows: readonly object[]): OrphanedJob[] {
    const jobs = rows as { jobId: string; created: number; seenAt: number | null }[];
    return jobs.map(({ seenAt, ...job }) => {
      return { ...job, owner, after: this.#before(job.created), seenAt: seenAt ?? undefined };
    });
  }

  /** Sequences leap, and a place that never was cannot be read on from. */
  #before(sequence: number): Cursor {
    const { last } = this.#statements.lastBefore.get(sequence) as { last: number | null };
    return formatCursor(this.#epoch, last ?? sequence - 1);
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(store: Store) {
  // Who claimed a job and was gone before it was recovered has not run it.
  const claim = `UPDATE open_jobs SET owner = ?,
    seen_at = coalesce(seen_at, (SELECT beat_at FROM instances WHERE id = owner)) WHERE owner = ?`;
  const claimed = "RETURNING job_id AS jobId, created, seen_at AS seenAt";
  const one = "WHERE job_id = ? AND owner = ? AND created = ?";
  return {
    sign: store.prepare(
      `INSERT INTO instances (id, host, pid, start_token, beat, beat_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, beat = excluded.beat, beat_at = excluded.beat_at`,
    ),
    dropIdle: store.prepare(
      "DELETE FROM instances WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM open_jobs WHERE owner = ?1)",
    ),
    drop: store.prepare("DELETE FROM instances WHERE id = ?"),
    others: store.prepare(
      `SELECT id, host, pid, start_token AS startToken, beat FROM instances WHERE id <> ?1
       UNION ALL SELECT DISTINCT owner, NULL, NULL, NULL, NULL FROM open_jobs
       WHERE owner <> ?1 AND owner NOT IN (SELECT id FROM instances)`,
    ),
    beatOf: store.prepare("SELECT beat FROM instances WHERE id = ?"),
    ownerOf: store.prepare("SELECT owner FROM open_jobs WHERE job_id = ?"),
    claimAll: store.prepare(`${claim} ${claimed}`),
    claimOne: store.prepare(`${claim} AND job_id = ? ${claimed}`),
    resume: store.prepare(`UPDATE open_jobs SET seen_at = NULL ${one}`),
    forget: store.prepare(`DELETE FROM open_jobs ${one}`),
    lastBefore: store.prepare("SELECT max(sequence) AS last FROM events WHERE sequence < ?"),
  };
}
