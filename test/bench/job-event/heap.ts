import { createOtelJobTracer } from "../../../exporters/traces.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { WorkerJobRegistry } from "../../../src/job/registry.ts";
import { observeJobs } from "../../../src/lifecycle/observe.ts";
import { openBenchSpans } from "./bench-spans.ts";
import { percentOf, SESSION_ID, stepMessage, TASK, UPDATES_PER_JOB, WORKER_ID } from "./stack.ts";

/**
 * Bytes that a running job holds, its record and its span with five updates. The log keeps one record
 * only, as its ring is bounded by itself. NaN when the garbage collector cannot be called.
 */
export async function heapPerOpenJob(tracesUrl: string, jobs: number): Promise<number> {
  const { tracer, outbox } = await openBenchSpans(tracesUrl);
  const publisher = new EventPublisher({ log: createMemoryEventLog({ capacity: 1 }) });
  const registry = new WorkerJobRegistry({ maxFinished: 0 });
  const observer = observeJobs(registry, {
    publish: (event) => publisher.publish(event),
    tracer: createOtelJobTracer({ tracer, maxEnded: 0 }),
  });
  const settle = async () => {
    await publisher.flush();
    await outbox.forceFlush();
  };

  const openJobs = async () => {
    const ids = Array.from({ length: jobs }, (_, index) => {
      // Strings of their own, as every real job brings them.
      return registry.create({ workerId: WORKER_ID, sessionId: SESSION_ID, message: `${index}: ${TASK}` }).id;
    });
    await settle();
    for (let step = 1; step <= UPDATES_PER_JOB; step++) {
      for (const id of ids) {
        registry.updateProgress(id, { message: stepMessage(step), percent: percentOf(step) });
      }
      await settle();
    }
    return ids;
  };

  const closeJobs = async (ids: readonly string[]) => {
    for (const id of ids) registry.setResult(id);
    await settle();
  };

  try {
    // Once for code and tables that grow with first use.
    await closeJobs(await openJobs());
    const before = heapUsed();
    const ids = await openJobs();
    const held = heapUsed() - before;
    await closeJobs(ids);
    return held / jobs;
  } finally {
    observer.stop();
    await publisher.shutdown();
    await outbox.shutdown();
  }
}

function heapUsed(): number {
  if (globalThis.gc === undefined) return Number.NaN;
  // The second one takes what finalizers of the first have let go of.
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
