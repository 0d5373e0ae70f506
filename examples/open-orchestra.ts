/**
 * A registry of somebody else's: all that is asked of it is `onJobEvent(handler)`, as open-orchestra's
 * `workerJobs` has it. Its jobs become spans and a live feed; the registry knows nothing of it.
 *
 *   node examples/open-orchestra.ts
 */
import { startTelemetry } from "../src/index.ts";

interface Job {
  id: string;
  workerId: string;
  message: string;
  sessionId?: string;
  status: "running" | "succeeded" | "failed" | "canceled";
  startedAt: number;
  finishedAt?: number;
  durationMs?: number;
  responseText?: string;
  error?: string;
  progress?: { message: string; percent?: number; updatedAt: number };
}

type JobHandler = (job: Job, event: "created" | "progress" | "completed" | "failed" | "canceled") => void;

/** As it may have been there long before: one object per job, changed in place. */
function createWorkerJobs() {
  const jobs = new Map<string, Job>();
  const handlers = new Set<JobHandler>();
  const change = (id: string, event: Parameters<JobHandler>[1], changes: Partial<Job>) => {
    const job = jobs.get(id);
    if (job === undefined) return;
    Object.assign(job, changes);
    for (const handler of handlers) handler(job, event);
  };
  const finish = (id: string, event: "completed" | "failed" | "canceled", end: Partial<Job>) => {
    const startedAt = jobs.get(id)?.startedAt ?? Date.now();
    change(id, event, { ...end, finishedAt: Date.now(), durationMs: Date.now() - startedAt });
  };
  return {
    onJobEvent(handler: JobHandler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    create(input: Pick<Job, "workerId" | "message" | "sessionId">) {
      const job: Job = { ...input, id: crypto.randomUUID(), status: "running", startedAt: Date.now() };
      jobs.set(job.id, job);
      change(job.id, "created", {});
      return job;
    },
    updateProgress: (id: string, message: string, percent: number) =>
      change(id, "progress", { progress: { message, percent, updatedAt: Date.now() } }),
    setResult: (id: string, responseText: string) =>
      finish(id, "completed", { status: "succeeded", responseText }),
    setError: (id: string, error: string) => finish(id, "failed", { status: "failed", error }),
    cancel: (id: string, error: string) => finish(id, "canceled", { status: "canceled", error }),
  };
}

const workerJobs = createWorkerJobs();

const telemetry = await startTelemetry({ serviceName: "open-orchestra" });
telemetry.observe(workerJobs);
telemetry.onEvent(({ event: { type, data } }) => process.stdout.write(`${type} ${JSON.stringify(data)}\n`));

const sessionId = "session-1";
const coder = workerJobs.create({ workerId: "coder", message: "Fix the login test", sessionId });
workerJobs.updateProgress(coder.id, "running tests", 50);
workerJobs.setResult(coder.id, "Fixed: the clock was not injected.");
const reviewer = workerJobs.create({ workerId: "reviewer", message: "Review the fix", sessionId });
workerJobs.setError(reviewer.id, "No reviewer is signed in");
const searcher = workerJobs.create({ workerId: "searcher", message: "Find similar tests", sessionId });
workerJobs.cancel(searcher.id, "Not needed any more");

await telemetry.shutdown();
