import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SseDropReason } from "../../exporters/sse.ts";
import { Crowd, type Tally } from "./crowd.ts";
import { CrowdChild } from "./crowd-child.ts";
import { FeedServer, type Holdings } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SilentProxy } from "./silent-proxy.ts";

const READERS = 20;
const VANISHING = 20;
const LENGTH = 2_000;
/** Events by which less is published than what has made others overflow: half of a MiB. */
const HALF_A_QUEUE = 230;
/** A client may stall for 30 s. */
const PATIENCE_MS = 60_000;

/**
 * Clients vanish without a word: their process stands still, or a proxy forwards nothing any more. The
 * server lets go of them once more is queued than may be, or, when little comes, when their time is over.
 */
export async function halfOpen(options: ScenarioOptions): Promise<Findings> {
  const { quick, rate = 500, seed, folder, say } = options;
  const port = await freePort(new SeededRandom(seed));
  const server = new FeedServer({ port, dataFile: join(folder, "orchestra.db") });
  const frozen = new CrowdChild();
  await Promise.all([server.reply("ready"), frozen.reply("ready")]);
  const readers = new Crowd();
  await readers.join(READERS, { port });
  const before = await server.holdings();
  try {
    await frozen.join(VANISHING, { port });
    const behindProxy = await Ghosts.join(port);
    server.publish({ rate, length: LENGTH });
    await delay(500);
    frozen.signal("SIGSTOP");
    behindProxy.vanish();
    const busy = await letGo(server);
    say(`${2 * VANISHING} have vanished while much was published: ${JSON.stringify(busy)}`);
    const quiet = quick ? undefined : await whileLittleIsPublished(server, busy.published, rate);
    say(`${VANISHING} have vanished while little was published: ${JSON.stringify(quiet)}`);
    await server.pause();
    const after = await server.holdings();
    frozen.signal("SIGCONT");
    behindProxy.leave();
    const { latest } = await server.status();
    const haveAll = async () => readers.isAt(latest) && (await frozen.tally()).position === latest;
    const allCaughtUp = await eventually(haveAll, PATIENCE_MS);
    return {
      figures: { rate, dropped: after.sse?.dropped, busy, quiet },
      zeros: { ...leftBehind(before, after), ...missing(readers.tally(), await frozen.tally()) },
      claims: {
        allCaughtUp,
        byBytesWhileBusy: busy.slow_bytes === 2 * VANISHING,
        byTimeWhileQuiet: quiet === undefined || quiet.slow_time === VANISHING,
      },
    };
  } finally {
    await Promise.all([frozen.kill(), server.kill()]);
  }
}

function leftBehind(before: Holdings, after: Holdings) {
  return {
    clientsLeft: (after.sse?.clients ?? 0) - READERS,
    descriptorsLeft: Math.max(0, after.descriptors - before.descriptors),
    socketsLeft: Math.max(0, (after.objects.Socket ?? 0) - (before.objects.Socket ?? 0)),
  };
}

function missing(stayed: Tally, returned: Tally) {
  return {
    readersMissing: stayed.holes,
    readersDoubles: stayed.doubles,
    readersCutOff: stayed.ended + stayed.reset,
    returnedMissing: returned.holes,
    returnedDoubles: returned.doubles,
    notReturned: VANISHING - returned.returnsMs.length,
  };
}

/** Clients behind a proxy of their own. */
class Ghosts {
  readonly #proxy: SilentProxy;
  readonly #crowd = new Crowd();

  private constructor(proxy: SilentProxy) {
    this.#proxy = proxy;
  }

  static async join(port: number): Promise<Ghosts> {
    const ghosts = new Ghosts(await SilentProxy.open(port));
    await ghosts.#crowd.join(VANISHING, { port: ghosts.#proxy.port, returns: false });
    return ghosts;
  }

  vanish(): void {
    this.#proxy.fallSilent();
  }

  leave(): void {
    this.#proxy.close();
  }
}

interface LetGo extends Pick<Record<SseDropReason, number>, "slow_bytes" | "slow_time"> {
  /** Events until the last one was let go. */
  published: number;
  tookMs: number;
}

/** Waits until only the readers are left; tells why the others are not. */
async function letGo(server: FeedServer): Promise<LetGo> {
  const [begin, first] = [performance.now(), await server.status()];
  await eventually(async () => (await server.status()).sse.clients === READERS, PATIENCE_MS);
  const { latest, sse } = await server.status();
  const { slow_bytes, slow_time } = first.sse.dropped;
  return {
    slow_bytes: sse.dropped.slow_bytes - slow_bytes,
    slow_time: sse.dropped.slow_time - slow_time,
    published: latest - first.latest,
    tookMs: Math.round(performance.now() - begin),
  };
}

/** As much is published as makes them stall, which others have shown, but less than their queues hold. */
async function whileLittleIsPublished(server: FeedServer, enough: number, rate: number): Promise<LetGo> {
  await server.pause();
  const ghosts = await Ghosts.join(server.port);
  const { latest } = await server.status();
  ghosts.vanish();
  const found = letGo(server);
  server.publish({ rate, length: LENGTH });
  await eventually(async () => (await server.status()).latest - latest >= enough - HALF_A_QUEUE, PATIENCE_MS);
  await server.pause();
  const result = await found;
  ghosts.leave();
  return result;
}
