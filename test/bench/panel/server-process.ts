// Started by the bench, in a process of its own: a bridge with jobs, which does what it is told.

import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { startTestBridge } from "../../fixtures/bridge.ts";
import { endOf, progressOf, storyOf } from "./events.ts";
import type { ServerReply, ServerRequest } from "./server.ts";

const JOBS_AT_WORK = 100;
const TICK_MS = 20;

const reply = (message: ServerReply) => process.send?.(message);
const test = await startTestBridge({ log: createMemoryEventLog({ capacity: 50_000 }) });
let made = 0;
let events = 0;

/** One more event: most tell of progress, every tenth ends a job and begins another. */
function publishNext(): void {
  const oldest = made - JOBS_AT_WORK;
  if (events % 10 === 0) for (const event of storyOf(made++)) test.publisher.publish(event);
  else if (events % 10 === 1) test.publisher.publish(endOf(oldest));
  else test.publisher.publish(progressOf(oldest + 1 + (events % (JOBS_AT_WORK - 1)), events));
  events++;
}

async function run({ count, perSecond }: { count: number; perSecond: number }): Promise<void> {
  const from = events;
  const began = performance.now();
  while (events - from < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - began) * perSecond) / 1_000));
    while (events - from < due) publishNext();
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await test.publisher.flush();
}

/** Jobs that have ended, but for the last of them. */
async function fill(jobs: number): Promise<void> {
  for (; made < jobs; made++) {
    for (const event of storyOf(made)) test.publisher.publish(event);
    if (made >= JOBS_AT_WORK) test.publisher.publish(endOf(made - JOBS_AT_WORK));
    if (made % 500 === 0) await test.publisher.flush();
  }
  await test.publisher.flush();
}

/** When it began to publish, in milliseconds since the epoch. */
async function obey(request: ServerRequest): Promise<number> {
  const at = Date.now();
  if (request.kind === "fill") await fill(request.jobs);
  else if (request.kind === "run") await run(request);
  else for (const event of storyOf(made++, request.title)) test.publisher.publish(event);
  return at;
}

process.on("message", async (request: ServerRequest) => reply({ kind: "done", at: await obey(request) }));
process.on("disconnect", () => process.exit());
reply({ kind: "listening", url: test.url });
