import { livenessOf } from "../store/process-identity.ts";

/** The lease of another process, as the file has it. */
export interface LeaseRow {
  id: string;
  /** Null when the process has not signed in, as it can while the file takes nothing. */
  host: string | null;
  /** Null once it has signed out. */
  pid: number | null;
  startToken: string | null;
  /** Grows with each sign of life. */
  beat: number | null;
}

/** What the last look made of a lease. */
export interface Sighting {
  readonly row: LeaseRow;
  /** Our own time for which it was seen without a new sign of life, in milliseconds. */
  readonly silentMs: number;
  /** The looks in a row that found its process gone. */
  readonly goneLooks: number;
}

export interface LeaseWatchOptions {
  heartbeatMs: number;
  leaseMs: number;
  /** Milliseconds that only grow, from whatever beginning. */
  elapsed: () => number;
}

/**
 * Tells which leases nobody keeps: those given up, those of a process that is gone, and, where that cannot
 * be told, those without a sign of life for all of `leaseMs` in which we looked. No clock is compared with
 * another's, and a look adds a heartbeat's time at most, so that a looker that slept gives everybody another
 * interval.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #seen = new Map<string, Sighting>();
  #lookedAt: number | undefined;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** Looks once at the leases of all others. */
  look(rows: readonly LeaseRow[]): Sighting[] {
    const now = this.#options.elapsed();
    const sinceMs = Math.min(now - (this.#lookedAt ?? now), this.#options.heartbeatMs);
    this.#lookedAt = now;
    const sightings = rows.map((row) => this.#sightingOf(row, sinceMs));
    this.#seen = new Map(sightings.map((sighting) => [sighting.row.id, sighting]));
    return sightings;
  }

  #sightingOf(row: LeaseRow, sinceMs: number): Sighting {
    const before = this.#seen.get(row.id);
    const silentMs = before !== undefined && before.row.beat === row.beat ? before.silentMs + sinceMs : 0;
    const goneLooks = this.#isGone(row, silentMs) ? (before?.goneLooks ?? 0) + 1 : 0;
    return { row, silentMs, goneLooks };
  }

  #isGone({ host, pid, startToken }: LeaseRow, silentMs: number): boolean {
    const isSilent = silentMs >= this.#options.leaseMs;
    if (host === null) return isSilent;
    if (pid === null) return true;
    const liveness = livenessOf({ host, pid, startToken });
    return liveness === "gone" || (liveness === "unknown" && isSilent);
  }
}
