import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** Clocks are set, and not all systems count their uptime finely. */
const TOLERANCE_MS = 60_000;
const TIME = /^time (\d+)$/;

/** Tells the run of the system that we are in from those before it: its id on Linux, else when it began. */
export function currentBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return `time ${Math.round(Date.now() - uptime() * 1_000)}`;
  }
}

export function isSameBoot(one: string, other: string): boolean {
  const [, begin] = TIME.exec(one) ?? [];
  const [, otherBegin] = TIME.exec(other) ?? [];
  if (begin === undefined || otherBegin === undefined) return one === other;
  return Math.abs(Number(begin) - Number(otherBegin)) <= TOLERANCE_MS;
}
