import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { append, idsOf, openTestLog, readAll, temporaryFolder, unplaced } from "../fixtures/sqlite-logs.ts";

const MOUNT = ["-t", "tmpfs", "-o", "size=3m", "tmpfs"];

/** A small disk of its own; undefined where we may not make one. */
function mountSmallDisk(): string | undefined {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  if (spawnSync("/bin/mount", [...MOUNT, folder]).status !== 0) return undefined;
  onTestFinished(() => void spawnSync("/bin/umount", ["-l", folder]));
  return folder;
}

function fillUp(file: string): void {
  for (const size of [65_536, 4_096, 512]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: "a" });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    }
  }
}

describe("a log on a disk that is full", () => {
  it("goes on, and writes everything through once there is room again", async () => {
    const folder = mountSmallDisk();
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const file = folder === undefined ? undefined : join(folder, "events.db");
    const { log, store } = await openTestLog({ ...(file && { file }), pollIntervalMs: 5, onWarning });
    await append(log, "before");
    if (folder !== undefined) fillUp(join(folder, "ballast"));
    else store.exec("PRAGMA max_page_count = 30");
    const ids = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    const cursors: (string | undefined)[] = [];
    for (let from = 0; from < ids.length; from += 10) {
      cursors.push(...(await log.append(ids.slice(from, from + 10).map(unplaced))));
    }
    expect(log.stats()).toMatchObject({ degraded: true, lostToDisk: 0 });
    expect(warnings).toEqual([expect.stringContaining("full")]);
    expect(idsOf(readAll(log))).toEqual(["before", ...ids]);
    if (folder !== undefined) rmSync(join(folder, "ballast"));
    else store.exec("PRAGMA max_page_count = 100000");
    await log.flush();
    expect(log.stats()).toMatchObject({ degraded: false, waiting: 0, lostToDisk: 0, events: 1_001 });
    expect(log.stats().writtenThrough).toBeGreaterThan(0);
    expect(
      readAll(log)
        .map(({ cursor }) => cursor)
        .slice(1),
    ).toEqual(cursors);
    await log.close();
    const again = await openTestLog({ file: store.file });
    expect(idsOf(readAll(again.log))).toEqual(["before", ...ids]);
  });
});
