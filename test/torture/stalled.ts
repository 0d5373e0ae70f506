import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Crowd } from "./crowd.ts";
import { requireDescriptors } from "./descriptors.ts";
import { FeedServer } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const MIB = 1024 ** 2;
const SLEEPERS = 10;
const MOST_GROWTH_MIB = 16;
const PATIENCE_MS = 45_000;

/**
 * Ten of many clients never read. They may cost what may be queued for them, and the others nothing; then
 * they wake up, and come back for what they missed.
 */
export async function stalled(options: ScenarioOptions): Promise<Findings> {
  const { quick, seconds = quick ? 6 : 60, rate = 500, seed, folder, say } = options;
  const clients = quick ? 100 : 1_000;
  requireDescriptors(clients);
  const port = await freePort(new SeededRandom(seed));
  const server = new FeedServer({ port, dataFile: join(folder, "orchestra.db") });
  await server.reply("ready");
  const [awake, sleepers] = [new Crowd(), new Crowd()];
  await awake.join(clients - SLEEPERS, { port });
  // Long texts fill sooner what the system holds for who does not read.
  server.publish({ rate, length: quick ? 2_000 : 200 });
  await delay(quick ? 2_000 : 10_000);
  const base = await server.mostBytes(3);
  await fallAsleep(sleepers, port);
  const rssGrowthMiB = Math.round(((await server.mostBytes(seconds)) - base) / MIB);
  const { dropped } = (await server.status()).sse;
  say(`${SLEEPERS} of ${clients} have slept: ${JSON.stringify(dropped)}`);
  sleepers.wake();
  await delay(1_000);
  await server.pause();
  const { latest } = await server.status();
  await eventually(() => awake.isAt(latest) && sleepers.isAt(latest), PATIENCE_MS);
  const [{ events }, zeros] = [awake.tally(), zerosOf(awake, sleepers, latest)];
  await server.kill();
  return {
    figures: { clients, sleepers: SLEEPERS, rate, events, rssGrowthMiB, dropped },
    zeros,
    claims: {
      growthBounded: rssGrowthMiB <= MOST_GROWTH_MIB,
      eachSleeperDropped: dropped.slow_bytes + dropped.slow_time === SLEEPERS,
      nobodyElseDropped: Object.values(dropped).reduce((sum, count) => sum + count) === SLEEPERS,
    },
  };
}

/** Each with a filter of its own that leaves nothing out: what is queued for them is not one and the same. */
async function fallAsleep(sleepers: Crowd, port: number): Promise<void> {
  for (let index = 1; index <= SLEEPERS; index++) {
    const query = `workerId=busy&workerId=rare&workerId=${index}`;
    await sleepers.join(1, { port, query, seesAll: true, bytesPerSecond: 0 });
  }
}

function zerosOf(awake: Crowd, sleepers: Crowd, latest: number) {
  const [healthy, woken] = [awake.tally(), sleepers.tally()];
  return {
    healthyMissing: healthy.holes + latest - healthy.position,
    healthyDoubles: healthy.doubles,
    healthyCutOff: healthy.ended + healthy.reset,
    sleepersMissing: woken.holes + latest - woken.position,
    sleepersDoubles: woken.doubles,
    resyncs: healthy.resyncs + woken.resyncs,
  };
}
