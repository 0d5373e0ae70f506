import { listProcesses, type RunningProcess } from "./processes.ts";

/** A child of ours and all that descend from it. Who was seen once is remembered when its parent ends. */
export class ProcessTree {
  readonly #root: number;
  /** Start times by process id. */
  #seen = new Map<number, string>();

  /** @param root id of a child process that was not waited for yet */
  constructor(root: number) {
    this.#root = root;
  }

  /** Parents first: they get no time to replace a child that has ended. */
  signal(signal: NodeJS.Signals): void {
    for (const pid of this.#members()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended between the look and the call, or became somebody else's.
      }
    }
  }

  #members(): Iterable<number> {
    const all = listProcesses();
    if (all.length === 0) return [this.#root];
    const children = Map.groupBy(all, ({ parent }) => parent);
    const members = new Map<number, string>();
    const waiting = all.filter((candidate) => this.#isKnown(candidate));
    for (const { pid, started } of waiting) {
      if (members.has(pid)) continue;
      members.set(pid, started);
      waiting.push(...(children.get(pid) ?? []));
    }
    this.#seen = members;
    return members.keys();
  }

  #isKnown({ pid, parent, started }: RunningProcess): boolean {
    // An id that was given to another process does not belong to a child of ours any more.
    const isRoot = pid === this.#root && parent === process.pid;
    return isRoot || this.#seen.get(pid) === started;
  }
}
