import { livenessOf } from "../src/store/process-identity.ts";
import type { QueueRow } from "./span-outbox-tables.ts";

/** After so many looks in a row without a sign of life, a holder counts as gone. */
const LOOKS = 3;

/**
 * Tells which queues nobody looks after: those given up, those of a process that is gone, and, where that
 * cannot be told, those without a beat for three looks. No clock is compared with another, so that neither
 * one that jumps nor a machine that sleeps makes a process look dead.
 */
export class OrphanWatch {
  #seen = new Map<number, { row: QueueRow; looks: number }>();

  /** Looks once at the queues of others; returns those that may be taken over. */
  orphansAmong(rows: readonly QueueRow[]): QueueRow[] {
    const seen = rows.map((row) => ({ row, looks: looksAt(row, this.#seen.get(row.id)) }));
    this.#seen = new Map(seen.map((entry) => [entry.row.id, entry]));
    return seen.filter(({ row, looks }) => row.holder === null || isGone(row, looks)).map(({ row }) => row);
  }
}

function isGone({ host, pid, startToken }: QueueRow, looks: number): boolean {
  const liveness = livenessOf({ host, pid, startToken });
  return liveness === "gone" || (liveness === "unknown" && looks >= LOOKS);
}

/** How often the queue was seen as it is now, before this time. */
function looksAt(row: QueueRow, seen: { row: QueueRow; looks: number } | undefined): number {
  const isSame = seen?.row.holder === row.holder && seen.row.beat === row.beat;
  return isSame ? seen.looks + 1 : 0;
}
