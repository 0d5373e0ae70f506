// Serves a bridge until it is stopped: see hostile-server.ts for what it is told.

import { startTelemetry, WorkerJobRegistry } from "../../src/index.ts";
import type { HostileServerReply, HostileServerRequest, HostileServerTask } from "./hostile-server.ts";

const { token, logCapacity, ownJobs }: HostileServerTask = JSON.parse(process.argv[2] as string);
const reply = (message: HostileServerReply) => process.send?.(message);

process.on("warning", ({ message }) => reply({ kind: "warning", message }));
const registry = new WorkerJobRegistry();
const telemetry = await startTelemetry({
  env: {},
  registry,
  logCapacity,
  traces: false,
  // Whoever is held off from writing finds no faults in what writes.
  bridge: { port: 0, token, http2: true, writesPerSecond: 1e9 },
  onWarning: (message) => reply({ kind: "warning", message }),
});
telemetry.observe(registry);
for (let n = 0; n < ownJobs; n++) registry.create({ id: `own-${n}`, workerId: "own", message: "m" });

process.on("message", async (request: HostileServerRequest) => {
  if (request.kind === "memory") {
    for (let n = 0; n < 3; n++) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    reply({ kind: "memory", rssBytes: rss, heapBytes: heapUsed });
  } else {
    await telemetry.shutdown();
    reply({ kind: "stopped" });
  }
});
process.once("disconnect", () => process.exit(0));
reply({ kind: "ready", url: telemetry.url as string });
