// Loaded before a worker: its wall clock is off by as much as it is told.

import type { WorkerRequest } from "./worker.ts";

const now = Date.now;
let offsetMs = 0;

Date.now = () => now() + offsetMs;
process.on("message", (request: WorkerRequest) => {
  if (request.kind === "clock") offsetMs = request.offsetMs;
});
