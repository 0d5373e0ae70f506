import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { interruptedIn, Stage } from "./stage.ts";
import { openJobsOf, readStoredLog } from "./stored-log.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OFFSETS_MS = [0, 5_000, -5_000, MINUTE, -MINUTE, HOUR, -HOUR, 24 * HOUR, -24 * HOUR];
/** How long the one with the wrong clock may take to see that the other is gone. */
const PATIENCE_MS = 20_000;
const PRELOAD = fileURLToPath(new URL("clock-preload.ts", import.meta.url));

/**
 * The clock of one of two processes on one file jumps. Nobody is gone, so nobody's jobs may be taken away;
 * then the one with the right clock is killed, and the other has to see that.
 */
export async function clockJump(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 10 : 60, rate = 100, seed, folder, say } = options;
  const stage = await Stage.open({ seed, folder, rate });
  const { random } = stage;
  const ports = [await stage.freePort(), await stage.freePort()] as const;
  for (const port of ports) stage.read(port);
  const jumping = stage.worker("jumping", ports[0], ["--import", PRELOAD]);
  const steady = stage.worker("steady", ports[1]);
  await Promise.all([jumping.reply("ready"), steady.reply("ready")]);
  for (let round = 1; round <= rounds; round++) {
    const offsetMs = random.pick(OFFSETS_MS);
    jumping.send({ kind: "clock", offsetMs });
    await delay(random.between(100, 1_500));
    if (round % 10 === 0) say(`jump ${round} of ${rounds}: ${offsetMs} ms`);
  }
  const robbed = interruptedIn(readStoredLog(stage.dataFile));
  await steady.kill();
  const left = () => openJobsOf(stage.dataFile, "steady");
  await eventually(() => left().length === 0, PATIENCE_MS);
  const leftOpen = left().length;
  // For the readers that had followed it.
  const next = stage.worker("next", ports[1]);
  await next.reply("ready");
  await stage.settle(jumping, next);
  const { figures, zeros, examples } = await stage.close(jumping, next);
  return { figures: { rounds, ...figures }, zeros: { ...zeros, robbed, leftOpen }, examples };
}
