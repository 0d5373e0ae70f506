import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identityOf, listProcesses } from "../../../src/cli/processes.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "orchestra-processes-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("processes", () => {
  test("are all that run here, this one among them", () => {
    expect(listProcesses()).toContainEqual(
      expect.objectContaining({ pid: process.pid, parent: process.ppid }),
    );
  });

  test("are read from the kernel's table, whatever they call themselves", () => {
    const zeros = (count: number) => Array(count).fill("0").join(" ");
    const stats = { 7: `7 (a) R (b) S 3 ${zeros(17)} 4711 0`, 8: `8 (gone) Z 7 ${zeros(17)} 4712 0` };
    for (const [pid, stat] of Object.entries(stats)) {
      mkdirSync(join(directory, pid));
      writeFileSync(join(directory, pid, "stat"), stat);
    }
    mkdirSync(join(directory, "9"));
    mkdirSync(join(directory, "sys"));

    expect(listProcesses({ proc: directory })).toEqual([{ pid: 7, parent: 3, started: "4711" }]);
  });

  test("are asked for of ps where there is no such table", () => {
    const ps = join(directory, "ps");
    const table = "    7     3 Ss   Sat Nov 22 10:00:00 2025\\n    8     7 Z+   Sat Nov 22 10:00:01 2025";
    writeFileSync(ps, `#!/bin/sh\nprintf '${table}\\n'\n`, { mode: 0o755 });

    expect(listProcesses({ proc: join(directory, "none"), ps })).toEqual([
      { pid: 7, parent: 3, started: "Sat Nov 22 10:00:00 2025" },
    ]);
  });

  test("are unknown where there is neither", () => {
    expect(listProcesses({ proc: join(directory, "none"), ps: join(directory, "none") })).toEqual([]);
  });
});

test("a process has one identity, and another one another", () => {
  expect(identityOf(process.pid)).toEqual(expect.any(String));
  expect(identityOf(process.pid)).toBe(identityOf(process.pid));
  expect(identityOf(process.ppid)).not.toBe(identityOf(process.pid));
});
