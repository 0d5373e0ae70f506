import { setImmediate as nextTurn } from "node:timers/promises";
import type { Span, Tracer } from "@opentelemetry/api";
import { Peer } from "../peer.ts";
import { type Measurement, median } from "../report.ts";
import { type Delivery, startOutbox, startStock } from "./delivery.ts";

const ROUNDS = 31;
const QUICK_ROUNDS = 11;
/** Many, as the compiler of the engine takes its time to get to know so much code. */
const WARM_UP_ROUNDS = 20;
const SPANS_AT_ONCE = 16;
/** As many as the stock processor's queue holds with room to spare: beyond it, it drops them. */
const SPANS_PER_ROUND = 1_536;

/**
 * What a span costs from its end to the receiver's answer, on disk in between, and how long its end may
 * hold the caller; against the stock batch processor in the same run.
 */
export async function benchOutbox({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const rounds = WARM_UP_ROUNDS + (quick ? QUICK_ROUNDS : ROUNDS);
  const peer = await Peer.start();
  const stock = new Subject(startStock("stock", peer.tracesUrl("stock")), peer);
  const outbox = new Subject(await startOutbox("outbox", peer.tracesUrl("outbox")), peer);
  try {
    for (let round = 0; round < rounds; round++) {
      // Who comes second finds the garbage and the warm caches of the first, so they take turns.
      for (const subject of round % 2 === 0 ? [stock, outbox] : [outbox, stock]) await subject.runRound();
    }
  } finally {
    await Promise.all([stock.delivery.stop(), outbox.delivery.stop()]);
    await peer.stop();
  }
  return [
    { name: "cpuRatio", value: median(ratios(outbox.cpu, stock.cpu)), unit: "ratio", goal: 1.5 },
    { name: "endP999Ms", value: outbox.endP999, unit: "ms", goal: 2 },
    { name: "stockEndP999Ms", value: stock.endP999, unit: "ms" },
    { name: "stockCpuNs", value: median(stock.cpu), unit: "ns/span" },
    { name: "outboxCpuNs", value: median(outbox.cpu), unit: "ns/span" },
  ];
}

/** Of the two halves of one round, as what else the machine does changes from round to round. */
function ratios(costs: readonly number[], base: readonly number[]): number[] {
  return costs.map((cost, round) => cost / (base[round] as number));
}

/** A delivery with what its rounds have cost so far. */
class Subject {
  readonly delivery: Delivery;
  readonly #peer: Peer;
  readonly #cpu: number[] = [];
  readonly #ends: number[] = [];
  #spans = 0;

  constructor(delivery: Delivery, peer: Peer) {
    this.delivery = delivery;
    this.#peer = peer;
  }

  /** Nanoseconds of this thread per span, of each round. */
  get cpu(): readonly number[] {
    return this.#cpu.slice(WARM_UP_ROUNDS);
  }

  /** Milliseconds that 999 of 1,000 ends of a span take at most. */
  get endP999(): number {
    const sorted = this.#ends.slice(WARM_UP_ROUNDS * SPANS_PER_ROUND).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.999)] as number;
  }

  async runRound(): Promise<void> {
    const { name, tracer, flush } = this.delivery;
    const spans = Array.from({ length: SPANS_PER_ROUND }, (_, index) => startJobSpan(tracer, index));
    const begin = threadTime();
    for (let i = 0; i < SPANS_PER_ROUND; i += SPANS_AT_ONCE) {
      for (const span of spans.slice(i, i + SPANS_AT_ONCE)) this.#ends.push(timeToEnd(span));
      await nextTurn();
    }
    await flush();
    this.#spans += SPANS_PER_ROUND;
    await this.#peer.received(name, "spans", this.#spans);
    this.#cpu.push((threadTime() - begin) / SPANS_PER_ROUND);
  }
}

/** A span like that of a job, all but its end. */
function startJobSpan(tracer: Tracer, index: number): Span {
  const attributes = {
    "orchestra.job.id": `job_01HZX4T8Q2${index}`,
    "orchestra.worker.id": "reviewer",
    "orchestra.session.id": "ses_01HZX4T8Q2",
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "reviewer",
    "gen_ai.conversation.id": "ses_01HZX4T8Q2",
    "orchestra.job.result": "success",
  };
  const span = tracer.startSpan("invoke_agent reviewer", { attributes });
  return span.addEvent("orchestra.job.progress", { "orchestra.job.progress.percent": 50 });
}

/** In milliseconds. */
function timeToEnd(span: Span): number {
  const begin = performance.now();
  span.end();
  return performance.now() - begin;
}

function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1_000;
}
