import { execFileSync } from "node:child_process";

/** Of each process besides its connections. */
const OTHERS = 100;

/** @throws when a process may not open so many sockets */
export function requireDescriptors(sockets: number): void {
  const limit = execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim();
  if (limit === "unlimited" || Number(limit) >= sockets + OTHERS) return;
  throw new Error(
    `This takes ${sockets + OTHERS} open files in one process, and only ${limit} are allowed: ulimit -n ${sockets + OTHERS}`,
  );
}
