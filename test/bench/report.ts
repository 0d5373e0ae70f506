/** One number with what it should at most be. */
export interface Measurement {
  name: string;
  value: number;
  unit: string;
  /** Undefined for numbers that are only told. */
  goal?: number;
}

/** One JSON object or one readable line per number. */
export function reportLine(bench: string, measurement: Measurement, json: boolean): string {
  const { name, unit, goal } = measurement;
  const value = round(measurement.value);
  const reached = goal === undefined ? undefined : value <= goal;
  if (json) return JSON.stringify({ bench, name, value, unit, goal, reached });
  const verdict = goal === undefined ? "" : `goal ≤ ${goal}: ${reached ? "reached" : "missed"}`;
  return `${name.padEnd(28)} ${String(value).padStart(10)} ${unit.padEnd(10)} ${verdict}`.trimEnd();
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
