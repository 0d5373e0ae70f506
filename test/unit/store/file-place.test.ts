import { copyFileSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  append,
  idsOf,
  openTestLog,
  openTestStore,
  readAll,
  temporaryFolder,
} from "../../fixtures/sqlite-logs.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const CHECK_MS = 500;
const POLL_MS = 100;
const RETRY_MS = 10 * POLL_MS;

/** A log in use, with an event in its journal. */
async function openInUse() {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const store = await openTestStore({ placeCheckMs: CHECK_MS, onWarning });
  const { log } = await openTestLog({ store, pollIntervalMs: POLL_MS, onWarning });
  await append(log, "before");
  return { store, log, file: store.file, warnings };
}

async function idsInFile(file: string): Promise<string[]> {
  return idsOf(readAll((await openTestLog({ file })).log));
}

function move(from: string, to: string, suffixes = ["", "-wal", "-shm"]): void {
  for (const suffix of suffixes) renameSync(from + suffix, to + suffix);
}

describe("a file that is moved, deleted or replaced while it is in use", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it.each<[string, (file: string) => void]>([
    ["moved", (file) => move(file, `${file}-moved`)],
    ["moved without its journal", (file) => move(file, `${file}-moved`, [""])],
    ["deleted", (file) => rmSync(file)],
    [
      "replaced",
      (file) => {
        copyFileSync(file, `${file}-copy`);
        renameSync(`${file}-copy`, file);
      },
    ],
  ])("(%s) is told of once, shown, and not written any more, while the feed goes on", async (_how, act) => {
    const { store, log, file, warnings } = await openInUse();
    act(file);
    vi.advanceTimersByTime(CHECK_MS);
    expect(store.isDetached).toBe(true);
    const journal = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size;
    await append(log, "after");
    vi.advanceTimersByTime(3 * RETRY_MS);
    expect(idsOf(readAll(log))).toEqual(["before", "after"]);
    expect(log.stats()).toMatchObject({ detached: true, degraded: true, waiting: 1 });
    expect(warnings).toEqual([expect.stringContaining(`${file} was moved, deleted or replaced`)]);
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size).toBe(journal);
    expect(thrownBy(() => store.exec("CREATE TABLE t (a)")).code).toBe("UNAVAILABLE");
    expect(thrownBy(() => store.prepare("DELETE FROM events").run()).code).toBe("UNAVAILABLE");
  });

  it("is written again, with all that waited, once it is back", async () => {
    const { log, file, warnings } = await openInUse();
    move(file, `${file}-moved`);
    vi.advanceTimersByTime(CHECK_MS);
    const [cursor] = await append(log, "after");
    move(`${file}-moved`, file);
    vi.advanceTimersByTime(3 * RETRY_MS);
    expect(log.stats()).toMatchObject({ detached: false, degraded: false, waiting: 0, lostToDisk: 0 });
    expect(warnings).toHaveLength(2);
    expect(await idsInFile(file)).toEqual(["before", "after"]);
    expect(log.bounds().latest).toBe(cursor);
  });

  it("is not taken for moved when the process goes to another folder", async () => {
    const folder = process.cwd();
    onTestFinished(() => process.chdir(folder));
    process.chdir(temporaryFolder());
    const nearby = await openTestStore({ file: "events.db", placeCheckMs: CHECK_MS });
    process.chdir(folder);
    vi.advanceTimersByTime(CHECK_MS);
    expect(nearby.isDetached).toBe(false);
  });

  it("counts what it could not take, and leaves what is in its place alone", async () => {
    const { store, log, file } = await openInUse();
    const elsewhere = `${temporaryFolder()}/events.db`;
    move(file, elsewhere);
    const next = await openTestLog({ file });
    await append(next.log, "next");
    vi.advanceTimersByTime(CHECK_MS);
    await append(log, "after");
    await log.close();
    store.close();
    expect(log.stats()).toMatchObject({ lostToDisk: 1 });
    expect(existsSync(`${file}-wal`)).toBe(true);
    expect(await idsInFile(file)).toEqual(["next"]);
    expect(await idsInFile(elsewhere)).toEqual(["before"]);
  });

  it("is not looked for once it is closed", async () => {
    const { store, file, warnings } = await openInUse();
    store.close();
    rmSync(file);
    vi.advanceTimersByTime(10 * CHECK_MS);
    expect(warnings).toEqual([]);
  });
});
