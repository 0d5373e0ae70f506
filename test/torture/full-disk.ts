import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SmallDisk } from "./small-disk.ts";
import { Stage } from "./stage.ts";
import type { Worker } from "./worker.ts";

const DISK_MEGABYTES = 48;
/** How long the log may take to notice that there is room again; it looks less and less often. */
const PATIENCE_MS = 60_000;

/**
 * The disk is full for a while, again and again: the feed goes on, and all that it has shown is in the file
 * when there is room again. In the end a process has to start while there is none.
 */
export async function fullDisk(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 2 : 6, seconds = quick ? 3 : 15, rate = 200, seed, say } = options;
  const disk = new SmallDisk(options.folder, DISK_MEGABYTES);
  try {
    const stage = await Stage.open({ seed, folder: disk.folder, rate });
    const port = await stage.freePort();
    const reader = stage.read(port);
    stage.read(port, { restless: stage.random });
    const worker = stage.worker("first", port);
    await worker.reply("ready");
    const zeros = { silentFeeds: 0, notDegraded: 0, stillDegraded: 0, lostToDisk: 0, startFailures: 0 };
    for (let round = 1; round <= rounds; round++) {
      await delay(1_000);
      disk.fill();
      const before = reader.events.length;
      await delay(seconds * 1_000);
      const shown = reader.events.length - before;
      if (shown < (seconds * rate) / 2) zeros.silentFeeds++;
      if (!(await logOf(worker)).degraded) zeros.notDegraded++;
      disk.empty();
      const isWell = async () => !(await logOf(worker)).degraded;
      if (!(await eventually(isWell, PATIENCE_MS))) zeros.stillDegraded++;
      say(`round ${round} of ${rounds}: ${shown} events shown while the disk was full`);
    }
    zeros.lostToDisk = (await logOf(worker)).lostToDisk;
    await stage.settle(worker);
    const audit = await stage.close(worker);
    disk.fill();
    if (!(await startsAnyway(stage.worker("late", port)))) zeros.startFailures++;
    return {
      figures: { rounds, fullSeconds: seconds, ...audit.figures },
      zeros: { ...audit.zeros, ...zeros },
      examples: audit.examples,
    };
  } finally {
    disk.unmount();
  }
}

async function startsAnyway(worker: Worker): Promise<boolean> {
  const isReady = await worker.isReady();
  await worker.kill();
  return isReady;
}

async function logOf(worker: Worker) {
  const { stats } = await worker.ask({ kind: "stats" }, "stats");
  if (stats.log === undefined) throw new Error("The worker has no log on disk");
  return stats.log;
}
