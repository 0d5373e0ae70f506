import { FeedServer, type Holdings } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { ALL_LEAVES, type Leave, passBy } from "./passer-by.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const AT_ONCE = 50;
const WARM_UP = 2_000;
const STRETCH = 10_000;
const LOG_CAPACITY = 2_000;
const LOAD = { rate: 200, length: 200 };
const MOST_HEAP_GROWTH = 4 * 1024 ** 2;
/** Of objects, such as the last timer that ran for the whole feed: it is held until the next one. */
const MOST_LAST_ONES = 3;
const PATIENCE_MS = 20_000;

/** Those who leave wherever it hurts leave nothing behind. */
export async function churn(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 5_000 : 100_000, seed, say } = options;
  const random = new SeededRandom(seed);
  const server = new FeedServer({ port: await freePort(random), logCapacity: LOG_CAPACITY });
  await server.reply("ready");
  server.burst(LOG_CAPACITY, LOAD.length);
  const visits = Object.fromEntries(ALL_LEAVES.map((leave) => [leave, 0])) as Record<Leave, number>;
  let fellShort = 0;
  const pass = async (count: number) => {
    let left = count;
    const walk = async () => {
      while (left-- > 0) {
        const leave = random.pick(ALL_LEAVES);
        visits[leave]++;
        if (!(await passBy(server.port, leave, random))) fellShort++;
      }
    };
    server.publish(LOAD);
    await Promise.all(Array.from({ length: AT_ONCE }, walk));
  };
  await pass(WARM_UP);
  const before = await quiet(server);
  for (let done = 0; done < rounds; done += STRETCH) {
    await pass(Math.min(STRETCH, rounds - done));
    say(`${Math.min(done + STRETCH, rounds)} of ${rounds} have come and gone`);
  }
  const after = await quiet(server, before);
  await server.kill();
  const { heapBytes, sse, ...held } = after;
  const heapGrowth = heapBytes - before.heapBytes;
  return {
    figures: {
      rounds,
      visits,
      delivered: sse?.delivered,
      heapGrowthKiB: Math.round(heapGrowth / 1024),
      held,
    },
    zeros: { fellShort, ...leftBehind(before, after) },
    claims: { heapBack: heapGrowth <= MOST_HEAP_GROWTH },
  };
}

/** What the server holds when nothing goes on, once it is no more than before; else what is left at last. */
async function quiet(server: FeedServer, before?: Holdings): Promise<Holdings> {
  await server.pause();
  let holdings = await server.holdings();
  await eventually(async () => {
    holdings = await server.holdings();
    const left = leftBehind(before ?? holdings, holdings);
    return Object.values(left).every((count) => count === 0);
  }, PATIENCE_MS);
  return holdings;
}

function leftBehind(before: Holdings, after: Holdings) {
  const more = (now: Record<string, number>, then: Record<string, number>) =>
    Object.entries(now).reduce((sum, [kind, count]) => sum + Math.max(0, count - (then[kind] ?? 0)), 0);
  return {
    clientsLeft: after.sse?.clients ?? 0,
    descriptorsLeft: Math.max(0, after.descriptors - before.descriptors),
    objectsLeft: Math.max(0, more(after.objects, before.objects) - MOST_LAST_ONES),
    resourcesLeft: more(after.resources, before.resources),
    listenersLeft: Math.max(0, after.listeners - before.listeners),
  };
}
