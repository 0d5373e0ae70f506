import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Peer } from "../peer.ts";
import { type Measurement, median } from "../report.ts";
import { heapPerOpenJob } from "./heap.ts";
import { startOurStack } from "./our-stack.ts";
import { EVENTS_PER_JOB, type Stack, UPDATES_PER_JOB } from "./stack.ts";
import { startUsualStack } from "./usual-stack.ts";

const ROUNDS = 11;
const WARM_UP_ROUNDS = 4;
const JOBS_AT_ONCE = 16;

/** What one round of one stack costs, in nanoseconds. */
interface Cost {
  /** This thread's CPU time, from the callback to the last wire. */
  perEvent: number;
  /** Time that the caller of `updateProgress` waits; CPU time is not kept finely enough for it. */
  perUpdate: number;
}

/**
 * What a job event costs from the callback to the last wire, of which the caller pays how much, and
 * what an open job holds; each against the usual stack in the same run.
 */
export async function benchJobEvent({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const jobsPerRound = JOBS_AT_ONCE * (quick ? 16 : 40);
  const folder = mkdtempSync(join(tmpdir(), "orchestra-bench-"));
  const peer = await Peer.start();
  const options = (name: string) => ({ tracesUrl: peer.tracesUrl(name), logFile: join(folder, name) });
  const usual = new Subject(await startUsualStack(options("usual")), peer);
  const ours = new Subject(await startOurStack(options("ours")), peer);
  try {
    for (const { stack } of [usual, ours]) await peer.subscribe(stack.name, stack.feedUrl);
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      // Who comes second finds the garbage and the warm caches of the first, so they take turns.
      const order = round % 2 === 0 ? [usual, ours] : [ours, usual];
      for (const subject of order) await subject.runRound(jobsPerRound);
    }
    const heap = await heapPerOpenJob(peer.tracesUrl("heap"), quick ? 500 : 2_000);
    return measurements(usual.costs, ours.costs, heap);
  } finally {
    await Promise.all([usual.stack.stop(), ours.stack.stop()]);
    await peer.stop();
    rmSync(folder, { recursive: true });
  }
}

function measurements(usual: readonly Cost[], ours: readonly Cost[], heap: number): Measurement[] {
  // Of the two halves of one round, as what else the machine does changes from round to round.
  const ratio = (cost: keyof Cost) =>
    median(usual.map(({ perEvent }, round) => (ours[round] as Cost)[cost] / perEvent));
  const cost = (costs: readonly Cost[], kind: keyof Cost) => median(costs.map((round) => round[kind]));
  return [
    { name: "pipelineRatio", value: ratio("perEvent"), unit: "ratio", goal: 0.4 },
    { name: "callerRatio", value: ratio("perUpdate"), unit: "ratio", goal: 0.1 },
    { name: "heapPerOpenJobBytes", value: heap, unit: "bytes", goal: 4_096 },
    { name: "usualPipelineNs", value: cost(usual, "perEvent"), unit: "ns/event" },
    { name: "oursPipelineNs", value: cost(ours, "perEvent"), unit: "ns/event" },
    { name: "usualCallerNs", value: cost(usual, "perUpdate"), unit: "ns/update" },
    { name: "oursCallerNs", value: cost(ours, "perUpdate"), unit: "ns/update" },
  ];
}

/** A stack with what its rounds have cost so far. */
class Subject {
  readonly stack: Stack;
  readonly #peer: Peer;
  readonly #costs: Cost[] = [];
  #jobs = 0;

  constructor(stack: Stack, peer: Peer) {
    this.stack = stack;
    this.#peer = peer;
  }

  get costs(): readonly Cost[] {
    return this.#costs.slice(WARM_UP_ROUNDS);
  }

  async runRound(jobs: number): Promise<void> {
    globalThis.gc?.();
    const { name, spansPerJob } = this.stack;
    this.#jobs += jobs;
    let inUpdates = 0;
    const begin = threadTime();
    for (let job = 0; job < jobs; job += JOBS_AT_ONCE) inUpdates += await runJobs(this.stack);
    await this.stack.flush();
    await Promise.all([
      this.#peer.received(name, "frames", this.#jobs * EVENTS_PER_JOB),
      this.#peer.received(name, "spans", this.#jobs * spansPerJob),
    ]);
    this.#costs.push({
      perEvent: (threadTime() - begin) / (jobs * EVENTS_PER_JOB),
      perUpdate: inUpdates / (jobs * UPDATES_PER_JOB),
    });
  }
}

/**
 * Jobs that run at once: each turn of the event loop brings one callback of every one of them. Returns
 * the nanoseconds spent inside `updateProgress`.
 */
async function runJobs(stack: Stack): Promise<number> {
  const ids = Array.from({ length: JOBS_AT_ONCE }, () => stack.create());
  await nextTurn();
  let inUpdates = 0;
  for (let step = 1; step <= UPDATES_PER_JOB; step++) {
    const begin = performance.now();
    for (const id of ids) stack.updateProgress(id, step);
    inUpdates += performance.now() - begin;
    await nextTurn();
  }
  for (const id of ids) stack.complete(id);
  await nextTurn();
  return inUpdates * 1_000_000;
}

function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1_000;
}
