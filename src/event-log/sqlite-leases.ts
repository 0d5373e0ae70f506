import { invalidArgument } from "../errors.ts";
import { formatCursor } from "../event/cursor.ts";
import { isJobEvent } from "../event/event.ts";
import { livenessOf, ownProcess, type ProcessIdentity } from "../store/process-identity.ts";
import type { Store } from "../store/store.ts";
import { EventBlocks } from "./sqlite-blocks.ts";
import { EventTable } from "./sqlite-events.ts";
import { LogReader } from "./sqlite-reader.ts";
import { openSchema } from "./sqlite-schema.ts";

export interface LeasesOptions {
  /** The `source` of the events that this process publishes: what owns the jobs it creates. */
  instanceId: string;
  /** Milliseconds between two signs of life. Default: 5,000. */
  heartbeatMs?: number | undefined;
  /**
   * Milliseconds after its last sign of life at which a process counts as gone that cannot be looked
   * up: one of another host, or where the system does not tell when a process began. Default: 15,000.
   */
  leaseMs?: number | undefined;
  /** Default: `Date.now`. */
  now?: (() => number) | undefined;
  /** Default: this process. */
  process?: ProcessIdentity | undefined;
}

/** An open job whose owner is gone. It is ours now. */
export interface OrphanedJob {
  jobId: string;
  /** The instance that it belonged to. */
  owner: string;
  /** Of its last event in the log; undefined when retention has taken them all. */
  lastRevision: number | undefined;
}

/** Which process answers for which open job. */
export interface Leases {
  /** Signs in, and says that this process is alive. Called by itself every `heartbeatMs`. */
  beat(): void;
  /**
   * Takes over the open jobs of processes that are gone; of several that ask, one gets each job. Jobs
   * of a live process are left alone however long it was silent, and so are those of a source that
   * never signed in, such as a remote poster of events: nothing is known of its end.
   */
  claimOrphans(): readonly OrphanedJob[];
  /** Takes over one open job, whoever has it; false when it is not open. */
  adopt(jobId: string): boolean;
  /** Signs out: the jobs that are still open are orphans from now on. Idempotent; never throws. */
  release(): void;
}

/** @throws INVALID_ARGUMENT, and what SQLite throws */
export function createLeases(store: Store, options: LeasesOptions): Leases {
  return new StoredLeases(store, options);
}

interface InstanceRow {
  id: string;
  host: string;
  pid: number | null;
  startToken: string | null;
  beatAt: number;
}

class StoredLeases implements Leases {
  readonly #store: Store;
  readonly #epoch: string;
  readonly #reader: LogReader;
  readonly #statements: Statements;
  readonly #instanceId: string;
  readonly #leaseMs: number;
  readonly #now: () => number;
  readonly #process: ProcessIdentity;
  readonly #timer: NodeJS.Timeout;
  #released = false;

  constructor(store: Store, options: LeasesOptions) {
    const { instanceId, heartbeatMs = 5_000, leaseMs = 15_000, now = Date.now } = options;
    if (!(heartbeatMs > 0)) throw invalidArgument("heartbeatMs", "a number above 0", heartbeatMs);
    if (!(leaseMs >= heartbeatMs)) throw invalidArgument("leaseMs", "at least `heartbeatMs`", leaseMs);
    this.#store = store;
    this.#epoch = openSchema(store).epoch;
    const events = new EventTable(store);
    this.#reader = new LogReader(this.#epoch, { events, blocks: new EventBlocks(store, events) });
    this.#statements = prepareStatements(store);
    this.#instanceId = instanceId;
    this.#leaseMs = leaseMs;
    this.#now = now;
    this.#process = options.process ?? ownProcess();
    store.transaction(() => this.#signIn());
    this.#timer = setInterval(() => this.#beatQuietly(), heartbeatMs).unref();
  }

  beat(): void {
    if (this.#released) return;
    const { host, pid, startToken } = this.#process;
    this.#statements.beat.run(this.#instanceId, host, pid, startToken, this.#now());
  }

  claimOrphans(): readonly OrphanedJob[] {
    const claimed = this.#store.transaction(() =>
      this.#goneOwners().flatMap((owner) => this.#claimFrom(owner)),
    );
    return claimed.map(({ jobId, owner, created }) => ({
      jobId,
      owner,
      lastRevision: this.#lastRevision(jobId, created),
    }));
  }

  adopt(jobId: string): boolean {
    const { adopt } = this.#statements;
    return this.#store.transaction(() => adopt.run(this.#instanceId, jobId).changes) === 1;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    try {
      this.#statements.signOut.run(this.#instanceId);
    } catch {
      // Then others find out by themselves, once this process has ended.
    }
  }

  /** Under an id that is used again, what a former process left must not be taken for ours. */
  #signIn(): void {
    const { instances, rename, claim } = this.#statements;
    const former = (instances.all() as unknown as InstanceRow[]).find(({ id }) => id === this.#instanceId);
    if (former !== undefined && this.#isGone(former)) {
      const alias = `${this.#instanceId} before ${crypto.randomUUID()}`;
      rename.run(alias, this.#instanceId);
      claim.all(alias, this.#instanceId);
    }
    this.beat();
  }

  /** A full disk or a busy file is no trouble for anybody: siblings on this host do not go by it. */
  #beatQuietly(): void {
    try {
      this.beat();
    } catch {
      // The next one may succeed.
    }
  }

  #goneOwners(): string[] {
    const rows = this.#statements.instances.all() as unknown as InstanceRow[];
    return rows.filter((row) => row.id !== this.#instanceId && this.#isGone(row)).map(({ id }) => id);
  }

  #isGone({ host, pid, startToken, beatAt }: InstanceRow): boolean {
    if (pid === null) return true;
    const liveness = livenessOf({ host, pid, startToken });
    return liveness === "gone" || (liveness === "unknown" && this.#now() - beatAt > this.#leaseMs);
  }

  #claimFrom(owner: string): { jobId: string; owner: string; created: number }[] {
    const { claim, forget } = this.#statements;
    const jobs = claim.all(this.#instanceId, owner) as unknown as { jobId: string; created: number }[];
    forget.run(owner);
    return jobs.map((job) => ({ ...job, owner }));
  }

  #lastRevision(jobId: string, created: number): number | undefined {
    let revision: number | undefined;
    let after = formatCursor(this.#epoch, created - 1);
    for (;;) {
      const { records, next } = this.#reader.read({ after, filter: { jobIds: [jobId] } }, undefined);
      for (const { event } of records) {
        const told: unknown = isJobEvent(event) ? event.data.revision : undefined;
        if (typeof told === "number") revision = Math.max(revision ?? 0, told);
      }
      if (next === after) return revision;
      after = next;
    }
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(store: Store) {
  return {
    instances: store.prepare(
      "SELECT id, host, pid, start_token AS startToken, beat_at AS beatAt FROM instances",
    ),
    beat: store.prepare(
      `INSERT INTO instances (id, host, pid, start_token, beat_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET host = excluded.host, pid = excluded.pid,
         start_token = excluded.start_token, beat_at = excluded.beat_at`,
    ),
    signOut: store.prepare("UPDATE instances SET pid = NULL WHERE id = ?"),
    rename: store.prepare("UPDATE instances SET id = ?, pid = NULL WHERE id = ?"),
    forget: store.prepare("DELETE FROM instances WHERE id = ?"),
    claim: store.prepare("UPDATE open_jobs SET owner = ? WHERE owner = ? RETURNING job_id AS jobId, created"),
    adopt: store.prepare("UPDATE open_jobs SET owner = ? WHERE job_id = ?"),
  };
}
