import { EVENT_EXAMPLES } from "../fixtures/event-examples.ts";
import { type Ending, exchange } from "./hostile-connection.ts";
import { HostileHttp2 } from "./hostile-http2.ts";
import { HostileJudge } from "./hostile-judge.ts";
import { HostileRequests } from "./hostile-requests.ts";
import { HostileServer } from "./hostile-server.ts";
import { HostileWitness } from "./hostile-witness.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { SeededRandom } from "./seeded-random.ts";

const TOKEN = "torture-token-that-must-never-be-shown";
const CONNECTIONS = 8;
/** Requests of one connection. More than six writes at once of each would be told to come back later. */
const PIPELINE = 24;
const MAX_GROWTH_MIB = 128;
const LOG_CAPACITY = 20_000;
const BATCH = 1_000;
const OWN_JOBS = 300;
const ENDINGS: readonly Ending[] = ["plain", "plain", "last", "feed", "malformed", "malformed"];
const PATIENCE_MS = 20_000;
/** After so much of the requests the server has as much of everything as it holds. */
const WARM_UP = 0.3;

/** Sends requests that nobody in his right mind sends, and watches the feed for what should not be there. */
export async function hostile(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 50_000 : 1_000_000, seed, say } = options;
  const server = new HostileServer({ token: TOKEN, logCapacity: LOG_CAPACITY, ownJobs: OWN_JOBS });
  const { url } = await server.reply("ready");
  const siege = new Siege(url, new SeededRandom(seed));
  await siege.fill(LOG_CAPACITY);
  await siege.run(rounds * WARM_UP, server);
  const before = await memoryOf(server);
  say(`${siege.requests} requests, then measured`);
  await siege.run(rounds, server);
  await siege.settle();
  const after = await memoryOf(server);
  const crashes = server.hasEnded ? 1 : 0;
  await server.ask({ kind: "stop" }, "stopped").catch(() => {});
  await server.kill();
  const { requests, streams, connections } = siege;
  const { statuses, accepted, faults } = siege.judge;
  const rssGrowthMB = mebibytes(after.rssBytes - before.rssBytes);
  const heapGrowthMB = mebibytes(after.heapBytes - before.heapBytes);
  const byStatus = Object.fromEntries([...statuses].sort());
  return {
    figures: { requests, streams, connections, accepted, byStatus, rssGrowthMB, heapGrowthMB },
    zeros: { crashes, ...faults.counts, warnings: server.warnings.length },
    claims: { staysSmall: Math.max(rssGrowthMB, heapGrowthMB) <= MAX_GROWTH_MIB },
    examples: [...faults.examples, ...server.warnings.slice(0, 5), server.errors].filter(Boolean),
  };
}

class Siege {
  readonly judge = new HostileJudge(TOKEN);
  requests = 0;
  /** Those of them that came over HTTP/2. */
  streams = 0;
  connections = 0;
  readonly #url: string;
  readonly #port: number;
  readonly #random: SeededRandom;
  readonly #make: HostileRequests;
  readonly #http2: HostileHttp2;
  readonly #witness: HostileWitness;

  constructor(url: string, random: SeededRandom) {
    this.#url = url;
    this.#port = Number(new URL(url).port);
    this.#random = random;
    this.#make = new HostileRequests(random, TOKEN);
    this.#http2 = new HostileHttp2(url, random, TOKEN);
    this.#witness = new HostileWitness(url, this.judge.faults);
  }

  /** Gives the server as many events, and jobs, as it holds. */
  async fill(events: number): Promise<void> {
    for (let begin = 0; begin < events; begin += BATCH) {
      const body = Buffer.from(ordinaryEvents(begin, BATCH));
      this.#witness.expect(body);
      const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/x-ndjson" };
      const response = await fetch(`${this.#url}/v1/events`, { method: "POST", headers, body });
      this.judge.accepted += ((await response.json()) as { accepted: number }).accepted;
    }
  }

  /** Until so many requests were sent in all, or the server is gone. */
  async run(requests: number, server: HostileServer): Promise<void> {
    const attack = async () => {
      while (this.requests < requests && !server.hasEnded) await this.#connect();
    };
    const attackOverHttp2 = async () => {
      while (this.requests < requests && !server.hasEnded) await this.#connectOverHttp2();
    };
    await Promise.all([...Array.from({ length: CONNECTIONS }, attack), attackOverHttp2()]);
  }

  /** Waits for the witness to have seen what was taken. */
  async settle(): Promise<void> {
    const { judge } = this;
    await eventually(() => this.#witness.posted >= judge.accepted, PATIENCE_MS);
    const lost = judge.accepted - this.#witness.posted;
    if (lost > 0) judge.faults.add("lostEvents", `${lost} of ${judge.accepted}`);
    await this.#witness.stop();
  }

  async #connectOverHttp2(): Promise<void> {
    const forget = new Map<Buffer, () => void>();
    const outcomes = await this.#http2.run((body) => forget.set(body, this.#witness.expect(body)));
    this.connections++;
    this.requests += outcomes.length;
    this.streams += outcomes.length;
    for (const outcome of outcomes) {
      const isRefused = this.judge.judgeStream(outcome);
      if (isRefused && outcome.sent) forget.get(outcome.sent)?.();
    }
  }

  async #connect(): Promise<void> {
    const random = this.#random;
    const ending = random.pick(ENDINGS);
    const length = random.between(0, PIPELINE);
    const requests = [...Array.from({ length }, () => this.#make.plain()), this.#make[ending]()];
    for (const body of requests.flatMap(({ perhaps }) => perhaps)) this.#witness.expect(body);
    const forget = requests.map(({ body }) => body && this.#witness.expect(body));
    const outcome = await exchange({ port: this.#port, requests, ending, random });
    this.connections++;
    const answered = outcome.answers.length;
    this.requests += ending === "malformed" ? Math.max(length + 1, answered) : answered;
    const refused = this.judge.judge(outcome, requests, ending);
    for (const index of refused) forget[index]?.();
  }
}

/** The beginnings of jobs, one per line. */
function ordinaryEvents(begin: number, count: number): string {
  const data = EVENT_EXAMPLES["orchestra.job.created"];
  const lines = Array.from({ length: count }, (_, index) => {
    const jobId = `ordinary-${begin + index}`;
    const type = "orchestra.job.created";
    return JSON.stringify({ version: 1, id: jobId, type, timestamp: 1, data: { ...data, jobId } });
  });
  return lines.join("\n");
}

async function memoryOf(server: HostileServer): Promise<{ rssBytes: number; heapBytes: number }> {
  return server.ask({ kind: "memory" }, "memory").catch(() => ({ rssBytes: 0, heapBytes: 0 }));
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
