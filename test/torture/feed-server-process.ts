// Publishes as it is told, and shows it at its bridge: see feed-server.ts.

import { readdirSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { queryObjects } from "node:v8";
import { SseClient } from "../../exporters/sse-client.ts";
import { createOrchestratorEvent, startTelemetry, WorkerJobRegistry } from "../../src/index.ts";
import {
  type FeedServerReply,
  type FeedServerRequest,
  type FeedServerTask,
  type Holdings,
  type Load,
  RARE_EACH,
} from "./feed-server.ts";
import { createSlowLog } from "./slow-log.ts";

const TICK_MS = 10;

const { port, maxClients, isSlow, ...rest }: FeedServerTask = JSON.parse(process.argv[2] as string);
const reply = (message: FeedServerReply) => process.send?.(message);

const telemetry = await startTelemetry({
  env: {},
  serviceName: "torture",
  registry: new WorkerJobRegistry(),
  traces: false,
  bridge: port === undefined ? false : { port, maxClients },
  log: isSlow ? createSlowLog() : undefined,
  ...rest,
});
const counts = { busy: 0, rare: 0 };
let made = 0;
let ticking: NodeJS.Timeout | undefined;

function publish(length: number): void {
  const workerId = ++made % RARE_EACH === 0 ? "rare" : "busy";
  const message = `${++counts[workerId]} `.padEnd(workerId === "rare" ? 0 : length, "x");
  telemetry.publish(createOrchestratorEvent("orchestra.error", { message, workerId }));
}

function begin({ rate, length }: Load): void {
  clearInterval(ticking);
  const since = performance.now();
  let done = 0;
  ticking = setInterval(() => {
    const due = Math.floor(((performance.now() - since) * rate) / 1_000);
    for (; done < due; done++) publish(length);
  }, TICK_MS);
}

const Timer = setTimeout(() => {}).constructor;
const CLASSES = { Socket, IncomingMessage, ServerResponse, Timer, SseClient };

function holdings(): Holdings {
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const objects = Object.fromEntries(
    // This collects garbage first, and sees timers, too, that do not keep the process.
    Object.entries(CLASSES).map(([name, type]) => [name, queryObjects(type, { format: "count" })]),
  );
  const { heapUsed: heapBytes } = process.memoryUsage();
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  const descriptors = readdirSync("/proc/self/fd").length;
  return { heapBytes, descriptors, objects, resources, listeners, sse: telemetry.stats().sse };
}

process.on("message", async (request: FeedServerRequest) => {
  if (request.kind === "publish") begin(request);
  else if (request.kind === "burst") {
    for (let count = 0; count < request.count; count++) publish(request.length);
  } else if (request.kind === "memory") {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    reply({ kind: "remembered", rssBytes: process.memoryUsage.rss() });
  } else if (request.kind === "measure") reply({ kind: "measured", holdings: holdings() });
  else {
    clearInterval(ticking);
    await telemetry.flush();
    reply({ kind: "paused", made });
  }
});
process.once("SIGTERM", async () => {
  await telemetry.shutdown();
  process.exit(0);
});
process.once("disconnect", () => process.exit(0));
reply({ kind: "ready", url: telemetry.url ?? "" });
