const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** `512 bytes`, `1.2 MB`; a kB is 1,000 bytes. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const amount = bytes / 1_000 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

/** `1 job`, `1,234 jobs`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const AGES: readonly [seconds: number, unit: string][] = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** `3 minutes`, in the largest unit that is reached; less than a second counts as one. */
export function ageText(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / 1_000));
  const [size, unit] = AGES.find(([size]) => seconds >= size) as (typeof AGES)[number];
  return countText(Math.floor(seconds / size), unit);
}
