import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Tells a process from all others, also from a later one with the same pid. */
export interface ProcessIdentity {
  /** Where the pid means something: the machine's name and, on Linux, the pid namespace. */
  host: string;
  pid: number;
  /** When the process began, as the system tells it; null where it does not. */
  startToken: string | null;
}

export type Liveness = "alive" | "gone" | "unknown";

export function ownProcess(): ProcessIdentity {
  const { pid } = process;
  return { host: hostOf(), pid, startToken: startTokenOf(pid) ?? null };
}

/** Whether a process of this host still runs; unknown for other hosts, and where its start cannot be told. */
export function livenessOf({ host, pid, startToken }: ProcessIdentity): Liveness {
  if (host !== hostOf()) return "unknown";
  const current = startTokenOf(pid);
  if (current !== undefined)
    return startToken === null ? "unknown" : current === startToken ? "alive" : "gone";
  return exists(pid) ? "unknown" : "gone";
}

function hostOf(): string {
  return [hostname(), attempt(() => readlinkSync("/proc/self/ns/pid"))].filter(Boolean).join(" ");
}

/**
 * Boot and start time of a process, from field 22 of its `stat`; undefined when there is none, or none
 * to be seen: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function startTokenOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, which may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return "ended";
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  return `${boot} ${fields[18]}`;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function attempt(action: () => string): string | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
