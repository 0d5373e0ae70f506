import type { Cursor } from "./event-log.ts";

const CURSOR = /^([A-Za-z0-9]{1,40})-(0|[1-9][0-9]{0,15})$/;

/** `<epoch>-<sequence>`; the sequence counts from 1, and 0 is the place before the first record. */
export function formatCursor(epoch: string, sequence: number): Cursor {
  return `${epoch}-${sequence}`;
}

/** Undefined for anything that `formatCursor` does not produce. */
export function parseCursor(cursor: string): { epoch: string; sequence: number } | undefined {
  const match = CURSOR.exec(cursor);
  if (match === null) return undefined;
  const sequence = Number(match[2]);
  return Number.isSafeInteger(sequence) ? { epoch: match[1] as string, sequence } : undefined;
}
