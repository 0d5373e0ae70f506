/** A row, or so many that need not exist. */
export type Stretch<T> = { row: T; index: number } | { key: string; rows: number };

export interface Seen {
  first: number;
  last: number;
  /** The row that may have the focus. It exists wherever it is: else its keys would be lost. */
  kept?: number | undefined;
}

/** All rows, in order. */
export function stretchesOf<T>(rows: readonly T[], { first, last, kept }: Seen): Stretch<T>[] {
  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  if (kept !== undefined && kept < first) indexes.unshift(kept);
  if (kept !== undefined && kept >= last) indexes.push(kept);
  const stretches: Stretch<T>[] = [];
  let end = 0;
  for (const index of indexes) {
    if (index > end) stretches.push({ key: `space:${stretches.length}`, rows: index - end });
    stretches.push({ row: rows[index] as T, index });
    end = index + 1;
  }
  if (rows.length > end) stretches.push({ key: "space", rows: rows.length - end });
  return stretches;
}
