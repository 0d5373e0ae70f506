import { setTimeout as delay } from "node:timers/promises";
import type { Findings, ScenarioOptions } from "./scenario.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { Stage } from "./stage.ts";
import type { Worker } from "./worker.ts";

/** The last one is asked to leave and killed while it does. */
const ENDINGS = ["SIGKILL", "SIGKILL", "SIGTERM", "exit", "throw", "SIGTERM then SIGKILL"];

/** Ends a process that runs jobs again and again, and looks whether anybody has missed anything. */
export async function kill(options: ScenarioOptions): Promise<Findings> {
  const { rounds = options.quick ? 8 : 100, rate = 200, signal, seed, folder, say } = options;
  const stage = await Stage.open({ seed, folder, rate });
  const { random } = stage;
  const port = await stage.freePort();
  const [everything] = [
    stage.read(port),
    stage.read(port, { restless: random }),
    stage.read(port, { query: { workerId: "builder" } }),
    stage.read(port, { query: { type: "orchestra.job.failed" }, restless: random }),
  ];
  const endings: Record<string, number> = {};
  let startFailures = 0;
  for (let round = 1; round <= rounds; round++) {
    const ending = signal ?? random.pick(ENDINGS);
    endings[ending] = (endings[ending] ?? 0) + 1;
    const worker = stage.worker(`r${round}`, port);
    if (!(await endAtRandom(worker, ending, random))) {
      startFailures++;
      say(`round ${round}: the worker ended by itself: ${worker.errors}`);
    }
    if (round % 10 === 0) say(`round ${round} of ${rounds}, ${everything.events.length} events seen`);
  }
  const last = stage.worker("last", port);
  await last.reply("ready");
  await delay(1_000);
  await stage.settle(last);
  const { figures, zeros, examples } = await stage.close(last);
  return { figures: { rounds, endings, ...figures }, zeros: { ...zeros, startFailures }, examples };
}

/** Returns false when the worker ended before it was to. */
async function endAtRandom(worker: Worker, ending: string, random: SeededRandom): Promise<boolean> {
  const isFromOutside = ending.startsWith("SIG");
  // Some are not even up yet, or in the middle of the recovery of those before.
  if (isFromOutside && random.chance(0.25)) await delay(random.between(0, 1_500));
  else if (await worker.isReady()) await delay(random.between(0, 2_500));
  if (worker.hasEnded) return false;
  if (ending === "exit" || ending === "throw") worker.send({ kind: "end", how: ending });
  else worker.signal(ending.split(" ")[0] as NodeJS.Signals);
  if (ending.endsWith("then SIGKILL")) {
    await delay(random.between(0, 200));
    worker.signal("SIGKILL");
  }
  await worker.end();
  return true;
}
