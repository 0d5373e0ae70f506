import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { UnplacedEvent } from "../../../src/event/event-log.ts";
import { createSqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { jobEvents } from "./events.ts";

/** One way of writing a batch of events to disk. */
interface Subject {
  append(batch: readonly UnplacedEvent[]): void;
  close(): void;
}

export type SubjectName = "file" | "sqlite" | "log";

/** What an event costs, in microseconds: the time its writer waits, and the CPU time of its thread. */
export interface AppendCost {
  wall: number;
  cpu: number;
}

/** Each subject's costs, round by round: they take turns, as the machine changes under them. */
export async function appendCosts(
  folder: string,
  { batchSize, events, rounds }: { batchSize: number; events: number; rounds: number },
): Promise<Record<SubjectName, AppendCost[]>> {
  const subjects: Record<SubjectName, Subject> = {
    file: openFile(join(folder, `${batchSize}.ndjson`)),
    sqlite: openBareSqlite(join(folder, `${batchSize}-bare.db`)),
    log: await openLog(join(folder, `${batchSize}.db`)),
  };
  const costs: Record<SubjectName, AppendCost[]> = { file: [], sqlite: [], log: [] };
  // The first round warms up what is compiled and grows the files.
  for (let round = 0; round <= rounds; round++) {
    for (const name of ["file", "sqlite", "log"] as const) {
      const batches = batchesOf(batchSize, events, round * events);
      const cost = costOf(subjects[name], batches, events);
      if (round > 0) costs[name].push(cost);
    }
  }
  for (const subject of Object.values(subjects)) subject.close();
  return costs;
}

function batchesOf(size: number, count: number, before: number): UnplacedEvent[][] {
  const batches: UnplacedEvent[][] = [];
  let batch: UnplacedEvent[] = [];
  for (const event of jobEvents(count, before)) {
    batch.push(event);
    if (batch.length < size) continue;
    batches.push(batch);
    batch = [];
  }
  return batches;
}

function costOf(subject: Subject, batches: readonly UnplacedEvent[][], events: number): AppendCost {
  globalThis.gc?.();
  const cpuBegin = process.threadCpuUsage();
  const begin = performance.now();
  for (const batch of batches) subject.append(batch);
  const wall = ((performance.now() - begin) * 1_000) / events;
  const { user, system } = process.threadCpuUsage(cpuBegin);
  return { wall, cpu: (user + system) / events };
}

function openFile(file: string): Subject {
  const descriptor = openSync(file, "a");
  return {
    append: (batch) => void writeSync(descriptor, `${batch.map(({ json }) => json).join("\n")}\n`),
    close: () => closeSync(descriptor),
  };
}

/** The least that a database can do: a row per event, found by its id, and nothing else. */
function openBareSqlite(file: string): Subject {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  database.exec("CREATE TABLE events (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, json TEXT)");
  const begin = database.prepare("BEGIN IMMEDIATE");
  const insert = database.prepare("INSERT INTO events (id, json) VALUES (?, ?)");
  const commit = database.prepare("COMMIT");
  return {
    append: (batch) => {
      begin.run();
      for (const { event, json } of batch) insert.run(event.id, json);
      commit.run();
    },
    close: () => database.close(),
  };
}

async function openLog(file: string): Promise<Subject> {
  const store = await openStore({ file });
  const log = createSqliteEventLog({ store });
  return {
    append: (batch) => void log.append(batch),
    close: () => {
      void log.close();
      store.close();
    },
  };
}
