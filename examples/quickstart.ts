/**
 * A small orchestrator that verifies this very repository: three workers run real commands, as jobs,
 * under one parent. One command never ends and is canceled by its time budget; one really fails.
 *
 *   npm start                 run, then serve the control panel and the feed until Ctrl-C
 *   npm start -- --exit       run, then exit
 *   npm start -- --json       print the totals as a line of JSON, alone on stdout
 */
import { parseArgs } from "node:util";
import { pino } from "pino";
import pretty from "pino-pretty";
import { startTelemetry, workerJobs } from "../src/index.ts";
import { startNodeSdk } from "../src/node-sdk.ts";
import { readFeed } from "./quickstart/feed.ts";
import { summaryTable, totals } from "./quickstart/summary.ts";
import { verifyRepository } from "./quickstart/verify.ts";

const { values: options } = parseArgs({
  options: { exit: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
// What people read goes elsewhere when a program reads stdout.
const people = options.json ? process.stderr : process.stdout;
const say = (text: string) => people.write(`${text}\n`);

const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // More than once, as a terminal and npm may both pass the same Ctrl-C on.
  process.on(signal, () => stopped.abort(new Error(`Interrupted by ${signal}`)));
}
// Neither the feed nor what waits for Ctrl-C keeps a process; this one is here to serve.
const keepAlive = setInterval(() => {}, 60_000);

const serviceName = "orchestra-quickstart";
// What a run that was killed has left is told of by the next one.
const dataFile = process.env.ORCHESTRA_DATA_FILE || ".cache/quickstart.db";
// In a process of one's own, the spans of libraries and child processes should nest under the jobs.
const sdk = await startNodeSdk({
  serviceName,
  dataFile,
  onWarning: (text) => process.stderr.write(`${text}\n`),
});
const logger = pino(
  { name: serviceName },
  pretty({
    destination: people.fd,
    colorize: people.isTTY,
    hideObject: true,
    ignore: "pid,hostname,name",
    sync: true,
  }),
);

const telemetry = await startTelemetry({ serviceName, dataFile, logger });
telemetry.observe(workerJobs);

const url = telemetry.url as string;
// The token of this run alone lets the panel cancel jobs; one that was chosen is nobody's to print.
const pass = process.env.ORCHESTRA_TOKEN ? "" : `#token=${telemetry.token}`;
say(`Watch the jobs: ${url}/${pass}\n`);

const feed = await readFeed(url);
const eventsSoFar = () => telemetry.stats().events.appended + telemetry.stats().events.foreign;
const before = eventsSoFar();
await verifyRepository(telemetry, stopped.signal);
await telemetry.flush();
const events = eventsSoFar() - before;
await feed.received(events);

say(`\n${summaryTable(feed.jobs())}\n`);
const result = totals(feed, events, telemetry.stats(), url);
const { ended, exported } = result.spans;
say(
  `${result.events} events, ${result.logLines} log lines, ${ended} spans (${exported} taken by a collector)`,
);
if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);

if (!options.exit && !stopped.signal.aborted) {
  say("\nThe panel stays open until Ctrl-C");
  await new Promise((resolve) => stopped.signal.addEventListener("abort", resolve));
}
feed.close();
await telemetry.shutdown();
await sdk.shutdown();
clearInterval(keepAlive);
