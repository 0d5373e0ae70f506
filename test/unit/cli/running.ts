import { listProcesses } from "../../../src/cli/processes.ts";

/** False for a zombie, which `process.kill(pid, 0)` takes for alive. */
export function isRunning(pid: number): boolean {
  return listProcesses().some((candidate) => candidate.pid === pid);
}
