// Runs jobs over a data file until it is ended: see worker.ts for what it is told.

import { startTelemetry, WorkerJobRegistry } from "../../src/index.ts";
import { JobPlay } from "./job-play.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { Ending, WorkerReply, WorkerRequest, WorkerTask } from "./worker.ts";

const TICK_MS = 10;

const { dataFile, tracesUrl, port, rate, prefix, seed }: WorkerTask = JSON.parse(process.argv[2] as string);
const reply = (message: WorkerReply) => process.send?.(message);

const registry = new WorkerJobRegistry();
const telemetry = await startTelemetry({
  env: {},
  serviceName: "torture",
  registry,
  dataFile,
  bridge: { port },
  traces: { url: tracesUrl },
  onWarning: (message) => reply({ kind: "warning", message }),
});
telemetry.observe(registry);
const play = new JobPlay(registry, { prefix, random: new SeededRandom(seed) });
const begin = performance.now();
let done = 0;
let ending: Ending | undefined;

function tick(): void {
  const due = Math.floor(((performance.now() - begin) * rate) / 1_000);
  for (; done < due; done++) play.act();
  if (ending === undefined) return;
  // With events of this very turn of the event loop, which nobody has written yet.
  for (let more = 0; more < 10; more++) play.act();
  if (ending === "exit") process.exit(0);
  throw new Error("The end of this process");
}
const ticking = setInterval(tick, TICK_MS);

async function leave(): Promise<void> {
  clearInterval(ticking);
  await telemetry.shutdown();
  process.exit(0);
}

process.on("message", async (request: WorkerRequest) => {
  if (request.kind === "end") ending = request.how;
  else if (request.kind === "stats") reply({ kind: "stats", stats: telemetry.stats() });
  else if (request.kind === "finish") {
    clearInterval(ticking);
    play.finish();
    await telemetry.flush();
    reply({ kind: "finished" });
  }
});
process.once("SIGTERM", () => void leave());
process.once("disconnect", () => process.exit(0));
reply({ kind: "ready" });
