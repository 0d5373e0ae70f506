import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface RunningProcess {
  pid: number;
  parent: number;
  /** Tells it from an earlier or later process of the same id. */
  started: string;
}

interface ProcessSources {
  /** Where the kernel keeps its table of processes. Default: `/proc`. */
  proc?: string | undefined;
  /** The program that is asked where there is none. Default: `ps`. */
  ps?: string | undefined;
}

/** All processes but zombies. Empty where neither source knows. */
export function listProcesses({ proc = "/proc", ps = "ps" }: ProcessSources = {}): RunningProcess[] {
  const fromKernel = processIds(proc).flatMap((pid) => statOf(`${proc}/${pid}/stat`) ?? []);
  return fromKernel.length > 0 ? fromKernel : askPs(ps);
}

/** What tells the process from every other that had or will have its id. Undefined when it is not known. */
export function identityOf(pid: number): string | undefined {
  const process = statOf(`/proc/${pid}/stat`) ?? askPs("ps").find((candidate) => candidate.pid === pid);
  return process && `${bootId()}${process.started}`;
}

/** Start times of Linux count from the boot. */
function bootId(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} `;
  } catch {
    return "";
  }
}

function processIds(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; undefined when the process is gone. */
function statOf(file: string): RunningProcess | undefined {
  try {
    const stat = readFileSync(file, "latin1");
    // The name before may hold anything, parentheses and spaces included.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return undefined;
    return { pid: Number.parseInt(stat, 10), parent: Number(parent), started: rest[17] ?? "" };
  } catch {
    return undefined;
  }
}

function askPs(ps: string): RunningProcess[] {
  try {
    const table = execFileSync(ps, ["-A", "-o", "pid=,ppid=,stat=,lstart="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
    });
    return table.split("\n").flatMap((line) => {
      const [, pid, parent, state, started = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
      if (state === undefined || state.startsWith("Z")) return [];
      return { pid: Number(pid), parent: Number(parent), started };
    });
  } catch {
    return [];
  }
}
