import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A disk of a few megabytes, which can be full. Needs the right to mount one. */
export class SmallDisk {
  readonly folder: string;
  readonly #filler: string;

  constructor(folder: string, megabytes: number) {
    this.folder = join(folder, "disk");
    this.#filler = join(this.folder, "filler");
    mkdirSync(this.folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", this.folder]);
  }

  /** Leaves no room for anything. */
  fill(): void {
    for (const bytes of [1024 * 1024, 4_096]) {
      while (this.#hasTaken(bytes));
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    execFileSync("umount", [this.folder]);
  }

  #hasTaken(bytes: number): boolean {
    try {
      writeFileSync(this.#filler, Buffer.alloc(bytes), { flag: "a" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      return false;
    }
  }
}
