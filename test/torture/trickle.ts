import { join } from "node:path";
import { Crowd, type Tally } from "./crowd.ts";
import { FeedServer, RARE_EACH } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import { percentile } from "./percentile.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const MIB = 1024 ** 2;
const BYTES_PER_SECOND = 1_024;
const READERS = 50;
const TRICKLES = 5;
/** What may be queued for a client that stalls, and what it may have been sent with what the system holds. */
const MOST_QUEUED_MIB = 1;
const MOST_OFFERED_MIB = 16;
const MOST_GROWTH_MIB = 16;
/** Who waits longer for what was published is starved. */
const MOST_AGE_MS = 3_000;
const PATIENCE_MS = 30_000;

/**
 * Some read one KiB a second: who wants no more than that is served for ever, who wants more is cut off at
 * the limit, and nobody else notices.
 */
export async function trickle(options: ScenarioOptions): Promise<Findings> {
  const { quick, seconds = quick ? 10 : 60, rate = quick ? 500 : 250, seed, folder, say } = options;
  const port = await freePort(new SeededRandom(seed));
  // Not in memory, which would grow with the log.
  const server = new FeedServer({ port, dataFile: join(folder, "orchestra.db") });
  await server.reply("ready");
  const [readers, greedy, modest] = [new Crowd(), new Crowd(), new Crowd()];
  await readers.join(READERS, { port, isTimed: true });
  await modest.join(TRICKLES, { port, bytesPerSecond: BYTES_PER_SECOND, query: "workerId=rare" });
  server.publish({ rate, length: 2_000 });
  const base = await server.mostBytes(3);
  const begin = (await server.status()).latest;
  await greedy.join(TRICKLES, { port, bytesPerSecond: BYTES_PER_SECOND, returns: false });
  const { mostBytes, cutAt } = await watch(server, seconds);
  const rare = Math.floor((await server.pause()) / RARE_EACH);
  const { latest, sse } = await server.status();
  const { dropped, bytes, delivered } = sse;
  say(`${TRICKLES} wanted more than they read: ${JSON.stringify(dropped)}`);
  for (const crowd of [greedy, modest]) crowd.wake();
  const allCaughtUp = await eventually(() => readers.isAt(latest) && modest.isAt(rare), PATIENCE_MS);
  const greedyEnded = await eventually(() => greedy.tally().ended === TRICKLES, PATIENCE_MS);
  const [others, few, many] = [readers.tally(), modest.tally(), greedy.tally()];
  await server.kill();
  const offeredMiB = Math.round((((cutAt - begin) * bytes) / delivered / MIB) * 10) / 10;
  const rssGrowthMiB = Math.round((mostBytes - base) / MIB);
  const [p50AgeMs, p99AgeMs = 0] = [0.5, 0.99].map((share) => percentile(others.agesMs, share));
  const load = { rate, bytesPerSecond: BYTES_PER_SECOND, readers: READERS };
  return {
    figures: { ...load, kept: few.connected, dropped, offeredMiB, rssGrowthMiB, p50AgeMs, p99AgeMs },
    zeros: zerosOf(others, few, many),
    claims: {
      allCaughtUp,
      greedyEnded,
      greedyDropped: dropped.slow_bytes + dropped.slow_time === TRICKLES,
      nobodyElseDropped: Object.values(dropped).reduce((sum, count) => sum + count) === TRICKLES,
      notTooEarly: offeredMiB >= MOST_QUEUED_MIB,
      notTooLate: offeredMiB <= MOST_OFFERED_MIB,
      growthBounded: rssGrowthMiB <= MOST_GROWTH_MIB,
      nobodyStarved: p99AgeMs <= MOST_AGE_MS,
    },
  };
}

/** The most memory in use, and the place in the log at which the first client was cut off. */
async function watch(server: FeedServer, seconds: number): Promise<{ mostBytes: number; cutAt: number }> {
  let [mostBytes, cutAt] = [0, 0];
  for (let second = 0; second < seconds; second++) {
    mostBytes = Math.max(mostBytes, await server.mostBytes(1));
    const { latest, sse } = await server.status();
    if (cutAt === 0 && sse.dropped.slow_bytes + sse.dropped.slow_time > 0) cutAt = latest;
  }
  return { mostBytes, cutAt };
}

function zerosOf(others: Tally, modest: Tally, greedy: Tally) {
  return {
    othersMissing: others.holes,
    othersDoubles: others.doubles,
    othersCutOff: others.ended + others.reset,
    modestMissing: modest.holes,
    modestDoubles: modest.doubles,
    modestCutOff: modest.ended + modest.reset,
    greedyMissing: greedy.holes,
    greedyDoubles: greedy.doubles,
  };
}
