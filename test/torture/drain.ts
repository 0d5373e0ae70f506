import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sumOf, type Tally } from "./crowd.ts";
import { CrowdChild } from "./crowd-child.ts";
import { requireDescriptors } from "./descriptors.ts";
import { FeedServer } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import { percentile } from "./percentile.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const CROWDS = 2;
/** Of a process that is told to leave: as documented. */
const MOST_SHUTDOWN_MS = 2_000;
/** Share of all clients that may be asked to come back within the same tenth of a second. */
const MOST_CROWDING = 0.1;
const PATIENCE_MS = 60_000;

/** A server with many clients is told to leave: each is sent away in order, and comes back in its own time. */
export async function drain(options: ScenarioOptions): Promise<Findings> {
  const { quick, rate = 20, seed, folder, say } = options;
  const clients = quick ? 500 : 5_000;
  requireDescriptors(clients);
  const [port, dataFile] = [await freePort(new SeededRandom(seed)), join(folder, "orchestra.db")];
  const task = { dataFile, port, maxClients: clients };
  const [publisher, first] = [new FeedServer({ dataFile }), new FeedServer(task)];
  const crowds = Array.from({ length: CROWDS }, () => new CrowdChild());
  await Promise.all([publisher, first].map((server) => server.reply("ready")));
  await Promise.all(crowds.map((crowd) => crowd.join(clients / CROWDS, { port })));
  say(`${clients} clients are there`);
  for (const each of [publisher, first]) each.publish({ rate, length: 200 });
  await delay(quick ? 1_000 : 5_000);
  const begin = performance.now();
  first.signal("SIGTERM");
  await first.end();
  const shutdownMs = Math.round(performance.now() - begin);
  await eventually(async () => (await tallyOf(crowds)).connected === 0, PATIENCE_MS);
  const { ended, reset, retries } = await tallyOf(crowds);
  say(`the server has left after ${shutdownMs} ms with ${first.exitCode}`);
  const second = new FeedServer(task);
  await second.reply("ready");
  await eventually(async () => (await tallyOf(crowds)).connected === clients, PATIENCE_MS);
  await delay(1_000);
  await publisher.pause();
  const { latest, sse } = await second.status();
  const allCaughtUp = await eventually(async () => (await tallyOf(crowds)).position === latest, PATIENCE_MS);
  const back = await tallyOf(crowds);
  await Promise.all([publisher, second, ...crowds].map((child) => child.kill()));
  const mostIn100Ms = mostAtOnce(retries);
  const retryMs = { least: Math.min(...retries), most: Math.max(...retries), mostIn100Ms };
  const [p50ReconnectMs, p99ReconnectMs] = [0.5, 0.99].map((share) => percentile(back.returnsMs, share));
  const { holes, doubles, resyncs, oddHeads } = back;
  const { refused } = sse.dropped;
  return {
    figures: { clients, shutdownMs, ended, retryMs, refused, p50ReconnectMs, p99ReconnectMs },
    zeros: {
      exitCode: first.exitCode ?? -1,
      withoutEnd: clients - ended,
      withoutRetry: clients - retries.length,
      ...{ reset, holes, doubles, resyncs, oddHeads },
    },
    claims: {
      allCaughtUp,
      inTime: shutdownMs <= MOST_SHUTDOWN_MS,
      retriesSpread: mostIn100Ms <= MOST_CROWDING * retries.length,
    },
  };
}

async function tallyOf(crowds: readonly CrowdChild[]): Promise<Tally> {
  return sumOf(await Promise.all(crowds.map((crowd) => crowd.tally())));
}

/** How many are asked to come back within the same tenth of a second. */
function mostAtOnce(retries: readonly number[]): number {
  const groups = Map.groupBy(retries, (retry) => Math.floor(retry / 100));
  return Math.max(0, ...[...groups.values()].map(({ length }) => length));
}
