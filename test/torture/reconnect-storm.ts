import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { auditFeeds } from "./audit.ts";
import { Crowd } from "./crowd.ts";
import { requireDescriptors } from "./descriptors.ts";
import { FeedReader } from "./feed-reader.ts";
import { FeedServer, type FeedServerTask } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import { percentile } from "./percentile.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";
import { readStoredLog } from "./stored-log.ts";

const PATIENCE_MS = 25_000;

/** A server is killed while another process goes on to publish, and all clients come back to the next one. */
export async function reconnectStorm(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 1 : 5, rate = 200, seed, folder, say } = options;
  const clients = quick ? 200 : 1_000;
  requireDescriptors(clients);
  const random = new SeededRandom(seed);
  const [port, dataFile] = [await freePort(random), join(folder, "orchestra.db")];
  const publisher = await startServer({ dataFile });
  // One more, who keeps what it reads, to be compared with the log.
  const task = { dataFile, port, maxClients: clients + 1 };
  let server = await startServer(task);
  const crowd = new Crowd();
  await crowd.join(clients, { port });
  const reader = new FeedReader({ url: `http://127.0.0.1:${port}` });
  publisher.publish({ rate, length: 200 });
  for (let round = 1; round <= rounds; round++) {
    await delay(random.between(500, 3_000));
    await server.kill();
    await delay(random.between(0, 1_500));
    server = await startServer(task);
    await eventually(() => crowd.clients.every(({ isConnected }) => isConnected), PATIENCE_MS);
    say(`kill ${round} of ${rounds}: ${crowd.tally().connected} of ${clients} came back`);
  }
  await delay(1_000);
  await publisher.pause();
  const log = readStoredLog(dataFile);
  const { latest } = await server.status();
  const last = log.events.at(-1)?.cursor;
  const allCaughtUp = await eventually(() => crowd.isAt(latest) && reader.position === last, PATIENCE_MS);
  await Promise.all([reader.stop(), server.kill(), publisher.kill()]);
  const { counts, examples } = auditFeeds(log, [reader]);
  const { holes, doubles, resyncs, oddHeads, ...tally } = crowd.tally();
  const reconnects = tally.returnsMs.length;
  const [p50ReconnectMs, p99ReconnectMs] = [0.5, 0.99].map((share) => percentile(tally.returnsMs, share));
  const seen = { published: log.events.length, events: tally.events };
  return {
    figures: { rounds, clients, ...seen, reconnects, p50ReconnectMs, p99ReconnectMs },
    zeros: { holes, doubles, resyncs, oddHeads, ...counts },
    claims: { allCaughtUp, allCameBack: reconnects >= rounds * clients },
    examples,
  };
}

async function startServer(task: FeedServerTask): Promise<FeedServer> {
  const server = new FeedServer(task);
  await server.reply("ready");
  return server;
}
