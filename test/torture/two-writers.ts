import { setTimeout as delay } from "node:timers/promises";
import { Faults } from "./faults.ts";
import { eventually } from "./patience.ts";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { openJobsOf } from "./stored-log.ts";

/** How long the other may take to notice that one is gone, and to end its jobs. */
const PATIENCE_MS = 20_000;

/**
 * Two processes write one file, and readers follow both. One is killed: the other, which just goes on, has
 * to end its jobs; then a new one takes its place.
 */
export async function twoWriters(options: ScenarioOptions): Promise<Findings> {
  const { quick, rounds = quick ? 2 : 10, rate = 100, seed, folder, say } = options;
  const stage = await Stage.open({ seed, folder, rate });
  const { random } = stage;
  const ports = [await stage.freePort(), await stage.freePort()];
  for (const port of ports) {
    stage.read(port);
    stage.read(port, { restless: random });
  }
  const workers = ports.map((port, index) => stage.worker(`w${index}`, port));
  await Promise.all(workers.map((worker) => worker.reply("ready")));
  const faults = new Faults("leftOpen");
  for (let round = 1; round <= rounds; round++) {
    await delay(random.between(500, 3_000));
    const index = random.between(0, 1);
    await workers[index]?.kill();
    const open = () => openJobsOf(stage.dataFile, `w${index}`);
    const left = open();
    await eventually(() => open().length === 0, PATIENCE_MS);
    for (const jobId of open()) faults.add("leftOpen", `${jobId} of round ${round}`);
    say(`round ${round} of ${rounds}: ${left.length} jobs left open, ${open().length} of them for good`);
    const next = stage.worker(`w${index}r${round}`, ports[index] as number);
    workers[index] = next;
    await next.reply("ready");
  }
  await stage.settle(...workers);
  const { figures, zeros, examples } = await stage.close(...workers);
  return {
    figures: { rounds, ...figures },
    zeros: { ...zeros, ...faults.counts },
    examples: [...faults.examples, ...examples],
  };
}
