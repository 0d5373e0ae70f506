import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Measurement, median } from "../report.ts";
import { type AppendCost, appendCosts, type SubjectName } from "./appending.ts";
import { readCosts } from "./reading.ts";

const BATCH_SIZES = [1, 10, 100];
const ROUNDS = 7;

/** What the durable log costs per event, against a plain file and a bare database in the same run. */
export async function benchDurableLog({ quick }: { quick: boolean }): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "orchestra-bench-"));
  try {
    const appending: Measurement[] = [];
    for (const batchSize of BATCH_SIZES) {
      // As many transactions each, within limits: they are what takes time.
      const events = batchSize * (quick ? 200 : 1_000) * (batchSize === 1 ? 5 : 1);
      const costs = await appendCosts(folder, { batchSize, events, rounds: ROUNDS });
      appending.push(...appendMeasurements(batchSize, costs));
    }
    const largeEvents = quick ? 200_000 : 1_000_000;
    return [...appending, ...(await readMeasurements(folder, largeEvents))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function appendMeasurements(batchSize: number, costs: Record<SubjectName, AppendCost[]>): Measurement[] {
  const cost = (subject: SubjectName, kind: keyof AppendCost) =>
    median(costs[subject].map((round) => round[kind]));
  // Of the same round, as what else the machine does changes from round to round.
  const ratio = median(costs.log.map(({ wall }, round) => wall / (costs.sqlite[round] as AppendCost).wall));
  const goals = batchSize === 10 ? { perEvent: 6 } : {};
  return [
    { name: `appendUs${batchSize}`, value: cost("log", "wall"), unit: "µs/event", goal: goals.perEvent },
    { name: `appendCpuUs${batchSize}`, value: cost("log", "cpu"), unit: "µs/event" },
    { name: `bareSqliteUs${batchSize}`, value: cost("sqlite", "wall"), unit: "µs/event" },
    { name: `plainFileUs${batchSize}`, value: cost("file", "wall"), unit: "µs/event" },
    { name: `ratioToBareSqlite${batchSize}`, value: ratio, unit: "ratio" },
  ];
}

async function readMeasurements(folder: string, largeEvents: number): Promise<Measurement[]> {
  const costs = await readCosts(folder, { largeEvents, rounds: ROUNDS });
  const ratio = median(costs.replayLarge.map((ms, round) => ms / (costs.replaySmall[round] as number)));
  const extra = median(costs.openLarge) - median(costs.openEmpty);
  return [
    { name: "largeLogEvents", value: largeEvents, unit: "events" },
    { name: "replayRatio", value: ratio, unit: "ratio", goal: 1.2 },
    { name: "replayLast10kMs", value: median(costs.replayLarge), unit: "ms" },
    { name: "openExtraMs", value: extra, unit: "ms", goal: 300 },
    { name: "readOneJobMs", value: median(costs.oneJobLarge), unit: "ms" },
  ];
}
