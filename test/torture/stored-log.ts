import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { isJobEvent, type JobEvent, type OrchestratorEvent } from "../../src/event/event.ts";
import { isTerminal } from "../../src/job/job.ts";
import { digestOf } from "./feed-reader.ts";

export interface StoredEvent {
  cursor: string;
  event: OrchestratorEvent;
  digest: string;
}

/** All that a data file holds of events, read without the code that wrote it. */
export interface StoredLog {
  epoch: string;
  events: StoredEvent[];
}

export function readStoredLog(file: string): StoredLog {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const epoch = String(database.prepare("SELECT value FROM event_log WHERE name = 'epoch'").get()?.value);
    const rows = database.prepare("SELECT sequence, json, checksum FROM events ORDER BY sequence").all();
    // Nobody may be shown what was damaged.
    const sound = rows.filter(({ json, checksum }) => typeof json === "string" && crc32(json) === checksum);
    const events = sound.map(({ sequence, json }) => ({
      cursor: `${epoch}-${sequence}`,
      event: JSON.parse(String(json)),
      digest: digestOf(String(json)),
    }));
    return { epoch, events };
  } finally {
    database.close();
  }
}

/** The events of each job, in the order of the log. */
export function jobsOf({ events }: StoredLog): Map<string, JobEvent[]> {
  const jobs = new Map<string, JobEvent[]>();
  for (const { event } of events) {
    if (!isJobEvent(event)) continue;
    const job = jobs.get(event.data.jobId);
    if (job === undefined) jobs.set(event.data.jobId, [event]);
    else job.push(event);
  }
  return jobs;
}

/** Jobs that have not ended, of those whose ids begin with `prefix`. */
export function openJobsOf(file: string, prefix: string): string[] {
  return [...jobsOf(readStoredLog(file))]
    .filter(
      ([jobId, events]) => jobId.startsWith(prefix) && events.every(({ data }) => !isTerminal(data.status)),
    )
    .map(([jobId]) => jobId);
}
