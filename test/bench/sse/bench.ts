import { type Measurement, median } from "../report.ts";
import type { FeedKind } from "./feed.ts";
import { type Load, type Round, Subject, startLoad } from "./subject.ts";

const KINDS: readonly FeedKind[] = ["raw", "better-sse", "ours"];
const MIB = 1024 * 1024;
/** Twenty events a second: each finds the feed idle, so each is a write of its own. */
const INTERVAL_MS = 50;
const BURSTS = [16, 32];
const EVENTS_OF_BURSTS = 96;
const STALLED = 10;
/** As many as the log holds, so that what grows later is not the log. */
const LOG_EVENTS = 10_000;
/**
 * The engine enlarges its nursery by tens of MiB sooner or later, with stalled clients or without; here it
 * has its size from the beginning.
 */
const NURSERY = ["--min-semi-space-size=16", "--max-semi-space-size=16"];
const STALL_INTERVAL_MS = 2;

type Rounds = Record<FeedKind, Round[]>;

/**
 * What the live feed costs the server at a thousand clients, against plain sockets and better-sse in the
 * same run. Each feed has a process of its own and so have the clients, so that only the server counts;
 * ours is measured from `publish` on, with encoding, log, list of jobs, hub and HTTP bridge.
 */
export async function benchSse({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const load = startLoad();
  try {
    return [...(await measureCosts(load, quick)), ...(await measureStall(load, quick))];
  } finally {
    await load.stop();
  }
}

async function measureCosts(load: Load, quick: boolean): Promise<Measurement[]> {
  const subjects: Subject[] = [];
  try {
    for (const kind of KINDS) subjects.push(await Subject.start(kind, load));
    const publishing = { ticks: quick ? 10 : 40, burst: 1, intervalMs: INTERVAL_MS };
    await runRounds(subjects, 1, { ...publishing, ticks: quick ? 5 : 10 });
    const single = await runRounds(subjects, quick ? 3 : 7, publishing);
    const bursts: Measurement[] = [];
    const libraries = subjects.filter(({ kind }) => kind !== "raw");
    for (const burst of BURSTS) {
      const inBursts = { ticks: EVENTS_OF_BURSTS / burst, burst, intervalMs: INTERVAL_MS };
      bursts.push(...burstMeasurements(burst, await runRounds(libraries, quick ? 2 : 5, inBursts)));
    }
    return [...singleMeasurements(single), ...bursts, ...memoryMeasurements(subjects)];
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

/** They take turns, as what else the machine does changes from round to round. */
async function runRounds(
  subjects: readonly Subject[],
  rounds: number,
  publishing: Parameters<Subject["run"]>[0],
): Promise<Rounds> {
  const all: Rounds = { raw: [], "better-sse": [], ours: [] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : [...subjects].reverse();
    for (const subject of order) all[subject.kind].push(await subject.run(publishing));
  }
  return all;
}

function singleMeasurements(rounds: Rounds): Measurement[] {
  return [
    { name: "cpuRatioToRaw", value: ratio(rounds, "cpuMicros", "raw"), unit: "ratio", goal: 1.15 },
    {
      name: "cpuRatioToBetterSse",
      value: ratio(rounds, "cpuMicros", "better-sse"),
      unit: "ratio",
      goal: 0.5,
    },
    { name: "p99RatioToRaw", value: ratio(rounds, "p99Ms", "raw"), unit: "ratio", goal: 1.2 },
    ...KINDS.map((kind) => ({
      name: `${nameOf(kind)}CpuUs`,
      value: medianCpu(rounds[kind]),
      unit: "µs/event",
    })),
    ...KINDS.map((kind) => ({
      name: `${nameOf(kind)}P99Ms`,
      value: median(rounds[kind].map(({ p99Ms }) => p99Ms)),
      unit: "ms",
    })),
  ];
}

function burstMeasurements(burst: number, rounds: Rounds): Measurement[] {
  const name = `burst${burst}`;
  return [
    {
      name: `${name}RatioToBetterSse`,
      value: ratio(rounds, "cpuMicros", "better-sse"),
      unit: "ratio",
      goal: 0.07,
    },
    { name: `${name}OursCpuUs`, value: medianCpu(rounds.ours), unit: "µs/event" },
    { name: `${name}BetterSseCpuUs`, value: medianCpu(rounds["better-sse"]), unit: "µs/event" },
  ];
}

function memoryMeasurements(subjects: readonly Subject[]): Measurement[] {
  return subjects.map(({ kind, bytesPerClient }) => ({
    name: `${nameOf(kind)}IdleClientKB`,
    value: bytesPerClient / 1_000,
    unit: "kB",
    ...(kind === "ours" && { goal: 30 }),
  }));
}

/** Ours against a peer, of the same round each. */
function ratio(rounds: Rounds, cost: "cpuMicros" | "p99Ms", peer: FeedKind): number {
  return median(rounds.ours.map((round, index) => round[cost] / (rounds[peer][index] as Round)[cost]));
}

function medianCpu(rounds: readonly Round[]): number {
  return median(rounds.map(({ cpuMicros }) => cpuMicros));
}

function nameOf(kind: FeedKind): string {
  return kind === "better-sse" ? "betterSse" : kind;
}

/** Five hundred events a second, first for readers alone, then while some of them have stopped reading. */
async function measureStall(load: Load, quick: boolean): Promise<Measurement[]> {
  const subject = await Subject.start("ours", load, { events: LOG_EVENTS, flags: NURSERY });
  try {
    const seconds = quick ? 3 : 60;
    const publishing = { burst: 1, intervalMs: STALL_INTERVAL_MS };
    await subject.run({ ...publishing, ticks: quick ? 500 : 5_000 });
    const before = await subject.rss();
    await subject.stall(STALLED);
    const ticks = (seconds * 1_000) / STALL_INTERVAL_MS;
    const { fewest, most, peakRss, cpuMicros } = await subject.run({ ...publishing, ticks });
    return [
      { name: "stallGrowthMiB", value: (peakRss - before) / MIB, unit: "MiB", goal: 16 },
      { name: "stallMissedEvents", value: ticks - fewest, unit: "events", goal: 0 },
      { name: "stallRepeatedEvents", value: most - ticks, unit: "events", goal: 0 },
      { name: "stallSeconds", value: seconds, unit: "s" },
      { name: "stallCpuUs", value: cpuMicros, unit: "µs/event" },
      { name: "stallDropped", value: await subject.slowClients(), unit: "clients" },
    ];
  } finally {
    await subject.stop();
  }
}
