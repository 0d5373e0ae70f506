import { UsageError } from "./command.ts";

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/**
 * Milliseconds of `500ms`, `30s`, `1.5m`, `2h`; a bare number is seconds.
 * @throws UsageError naming the flag
 */
export function parseDuration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const unit = (match?.[2] ?? "s") as keyof typeof UNITS_MS;
  const durationMs = Number(match?.[1]) * UNITS_MS[unit];
  // Timers hold at most 2^31 - 1 ms; beyond it they would fire at once.
  if (durationMs > 0 && durationMs < 2 ** 31) return durationMs;
  throw new UsageError(`Option '--${flag}' takes a duration such as 500ms, 30s, 5m or 2h, got '${text}'`);
}
