import { createOrchestratorEvent } from "../../../src/event/event.ts";
import { createEventId } from "../../../src/event/event-id.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { UnplacedEvent } from "../../../src/event/event-log.ts";

const JOBS_AT_ONCE = 16;
const UPDATES_PER_JOB = 5;
const STARTED_MS = Date.UTC(2026, 0, 1);
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const MESSAGE = "Reading the changed files one by one, looking for growth that nothing bounds";

/**
 * What a busy orchestrator writes: several jobs at once, each with a beginning, some progress and an end.
 * Time moves on by a millisecond for every ten events, also from one call to the next (`before` events
 * were made already), so that ids come in the order they have in life.
 */
export function* jobEvents(count: number, before = 0): Generator<UnplacedEvent> {
  let made = 0;
  while (made < count) {
    const jobs = Array.from({ length: JOBS_AT_ONCE }, (_, index) => ({
      jobId: crypto.randomUUID(),
      workerId: `worker-${index % 5}`,
      sessionId: `ses_01HZX4T8Q${index % 3}`,
      startedAt: STARTED_MS,
    }));
    for (let revision = 0; revision <= UPDATES_PER_JOB + 1; revision++) {
      for (const job of jobs) {
        if (made === count) return;
        yield encodeEvent(eventOf({ ...job, revision }, STARTED_MS + Math.floor((before + made++) / 10)));
      }
    }
  }
}

interface Facts {
  jobId: string;
  workerId: string;
  sessionId: string;
  startedAt: number;
  revision: number;
}

function eventOf(facts: Facts, timestamp: number) {
  const envelope = {
    id: createEventId(timestamp),
    timestamp,
    source: "instance-1",
    traceparent: TRACEPARENT,
  };
  const { revision } = facts;
  if (revision === 0) {
    const data = { ...facts, status: "running" as const, message: MESSAGE, messageLength: MESSAGE.length };
    return createOrchestratorEvent("orchestra.job.created", data, envelope);
  }
  if (revision > UPDATES_PER_JOB) {
    const data = { ...facts, status: "succeeded" as const, finishedAt: timestamp, durationMs: 4_200 };
    return createOrchestratorEvent(
      "orchestra.job.completed",
      { ...data, responsePreview: MESSAGE },
      envelope,
    );
  }
  const progress = { message: `${revision}: ${MESSAGE}`, percent: revision * 16, updatedAt: timestamp };
  const data = { ...facts, status: "running" as const, ...progress };
  return createOrchestratorEvent("orchestra.job.progress", data, envelope);
}
