import { join } from "node:path";
import { Faults } from "./faults.ts";
import { FeedClient } from "./feed-client.ts";
import { FeedServer, type FeedServerTask } from "./feed-server.ts";
import { freePort } from "./free-port.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const AT_ONCE = 50;
/** How far back visitors begin at most, and how much of what is new they stay for. */
const MOST_REPLAYED = 500;
const MOST_NEW = 100;

/** Clients step over from what is replayed to what is published meanwhile, from both kinds of logs. */
export async function handover(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 1_000 : 10_000, rate = 1_000, seed, folder, say } = options;
  const random = new SeededRandom(seed);
  const faults: VisitFaults = new Faults("holes", "doubles", "resyncs", "cutOff", "waitedInVain");
  let events = 0;
  const dataFile = join(folder, "orchestra.db");
  const logs: [string, Omit<FeedServerTask, "port">, FeedServerTask?][] = [
    ["in memory", {}],
    ["that answers late", { isSlow: true }],
    ["on disk", { dataFile }],
    // What it publishes stands in the log before the server that shows it has been told.
    ["on disk, written by another process", { dataFile }, { dataFile }],
  ];
  for (const [name, task, publisher] of logs) {
    const visits = new Visits({ ...task, port: await freePort(random) }, { publisher, random, faults });
    events += await visits.run(Math.ceil(rounds / logs.length), rate);
    say(`${name}: ${events} events`);
  }
  return {
    figures: { rounds, rate, events },
    zeros: faults.counts,
    examples: faults.examples,
  };
}

type VisitFaults = Faults<"holes" | "doubles" | "resyncs" | "cutOff" | "waitedInVain">;

interface VisitsOptions {
  /** Default: the server that is visited. */
  publisher: FeedServerTask | undefined;
  random: SeededRandom;
  faults: VisitFaults;
}

class Visits {
  readonly #server: FeedServer;
  readonly #publisher: FeedServer;
  readonly #random: SeededRandom;
  readonly #faults: VisitFaults;
  #left = 0;
  #events = 0;

  constructor(task: FeedServerTask, { publisher, random, faults }: VisitsOptions) {
    this.#server = new FeedServer(task);
    this.#publisher = publisher === undefined ? this.#server : new FeedServer(publisher);
    this.#random = random;
    this.#faults = faults;
  }

  /** How many events were seen. */
  async run(count: number, rate: number): Promise<number> {
    await Promise.all([this.#server.reply("ready"), this.#publisher.reply("ready")]);
    this.#left = count;
    this.#publisher.publish({ rate, length: 100 });
    const scout = new FeedClient({ port: this.#server.port });
    await scout.until(({ position }) => position >= MOST_NEW);
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#visitAll(scout)));
    scout.leave();
    this.#judge(scout);
    await Promise.all([this.#server.kill(), this.#publisher.kill()]);
    return this.#events;
  }

  async #visitAll(scout: FeedClient): Promise<void> {
    while (this.#left-- > 0) {
      const { epoch = "" } = scout.order.place ?? {};
      const from = Math.max(0, scout.position - this.#random.between(0, MOST_REPLAYED));
      const until = scout.position + this.#random.between(1, MOST_NEW);
      const client = new FeedClient({
        port: this.#server.port,
        lastEventId: `${epoch}-${from}`,
        returns: false,
      });
      const isOver = ({ position, cuts }: FeedClient) => position >= until || cuts.ended + cuts.reset > 0;
      if (!(await client.until(isOver))) this.#faults.add("waitedInVain", `for ${until}`);
      this.#judge(client);
      client.leave("reset");
    }
  }

  #judge({ order, cuts, position }: FeedClient): void {
    this.#events += order.events;
    const { holes, doubles, resyncs } = order;
    const found = { holes, doubles, resyncs, cutOff: cuts.ended + cuts.reset };
    for (const [kind, count] of Object.entries(found)) {
      if (count > 0) this.#faults.add(kind as keyof typeof found, `${count} up to ${position}`);
    }
  }
}
