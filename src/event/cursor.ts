import type { Cursor } from "./event-log.ts";

const CURSOR = /^([A-Za-z0-9]{1,40})-(0|[1-9][0-9]{0,15})$/;

/** `<epoch>-<sequence>`; the sequence counts from 1, and 0 is the place before the first record. */
export function formatCursor(epoch: string, sequence: number): Cursor {
  return `${epoch}-${sequence}`;
}

/** Stands for the place before the oldest record held, where a feed starts that is to miss nothing. */
export const OLDEST = "oldest";

/** Undefined for anything that `formatCursor` does not produce. */
export function parseCursor(cursor: string): { epoch: string; sequence: number } | undefined {
  const match = CURSOR.exec(cursor);
  if (match === null) return undefined;
  const sequence = Number(match[2]);
  return Number.isSafeInteger(sequence) ? { epoch: match[1] as string, sequence } : undefined;
}

/** Whether `cursor` lies past `position`. In another epoch it does: that began when `position` was lost. */
export function isBeyond(cursor: Cursor, position: Cursor): boolean {
  const [a, b] = [parseCursor(cursor), parseCursor(position)];
  return a === undefined || b === undefined || a.epoch !== b.epoch || a.sequence > b.sequence;
}
