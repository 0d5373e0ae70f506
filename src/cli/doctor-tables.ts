import type { Database } from "../store/database.ts";
import type { ProcessIdentity } from "../store/process-identity.ts";

/** A process that has, or had, the file open. */
export interface InstanceRow extends Omit<ProcessIdentity, "pid"> {
  /** Of its lease. */
  id: string;
  /** Null once it has signed out. */
  pid: number | null;
  beatAt: number;
}

export interface QueueRow extends ProcessIdentity {
  /** Null once it was given up. */
  holder: string | null;
  spans: number;
  bytes: number;
  oldestAt: number | null;
}

export interface DataFileContents {
  epoch: string | undefined;
  events: number;
  oldestAt: number | undefined;
  newestAt: number | undefined;
  instances: InstanceRow[];
  /** Jobs that have begun and not ended, by the lease that answers for them. */
  openJobs: { owner: string | null; jobs: number }[];
  queues: QueueRow[];
  deadLetters: { spans: number; bytes: number; lastReason: string | null; lastAt: number | null };
}

/** A process that has only spans to keep makes no tables of events, and the other way round. */
const TABLES = ["event_log", "span_queue"] as const;

interface Edge {
  ordinal: number;
  appendedAt: number;
}

/** Reads what a data file holds, all as of one moment. @throws what SQLite throws */
export function readContents(database: Database): DataFileContents {
  database.exec("BEGIN");
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const has = (table: (typeof TABLES)[number]) => names.some(({ name }) => name === table);
  return {
    ...(has("event_log") ? readEvents(database) : NO_EVENTS),
    ...(has("span_queue") ? readSpans(database) : NO_SPANS),
  };
}

type Events = Omit<DataFileContents, keyof Spans>;
type Spans = Pick<DataFileContents, "queues" | "deadLetters">;

const NO_EVENTS: Events = {
  epoch: undefined,
  events: 0,
  oldestAt: undefined,
  newestAt: undefined,
  instances: [],
  openJobs: [],
};
const NO_SPANS: Spans = { queues: [], deadLetters: { spans: 0, bytes: 0, lastReason: null, lastAt: null } };

function readEvents(database: Database): Events {
  const edge = (order: "ASC" | "DESC") =>
    database
      .prepare(`SELECT ordinal, appended_at AS appendedAt FROM events ORDER BY sequence ${order} LIMIT 1`)
      .get() as Edge | undefined;
  const [oldest, newest] = [edge("ASC"), edge("DESC")];
  const rows = <T>(sql: string) => database.prepare(sql).all() as unknown as T[];
  const [epoch] = rows<{ value: string }>("SELECT value FROM event_log WHERE name = 'epoch'");
  return {
    epoch: epoch?.value,
    events: oldest && newest ? newest.ordinal - oldest.ordinal + 1 : 0,
    oldestAt: oldest?.appendedAt,
    newestAt: newest?.appendedAt,
    instances: rows(
      "SELECT id, host, pid, start_token AS startToken, beat_at AS beatAt FROM instances ORDER BY beat_at DESC",
    ),
    openJobs: rows("SELECT owner, count(*) AS jobs FROM open_jobs GROUP BY owner"),
  };
}

function readSpans(database: Database): Spans {
  // A queue's number is the upper half of its chunks' ids.
  const queues = database.prepare(
    `SELECT holder, host, pid, start_token AS startToken, spans, bytes, (
       SELECT made_at FROM span_chunk WHERE id > q.id << 32 AND id < (q.id + 1) << 32 ORDER BY id LIMIT 1
     ) AS oldestAt FROM span_queue AS q WHERE spans > 0`,
  );
  const dead = database.prepare(
    `SELECT coalesce(sum(spans), 0) AS spans, coalesce(sum(bytes), 0) AS bytes FROM span_dead_letter`,
  );
  const last = database.prepare(
    `SELECT reason AS lastReason, died_at AS lastAt FROM span_dead_letter ORDER BY id DESC LIMIT 1`,
  );
  return {
    queues: queues.all() as unknown as QueueRow[],
    deadLetters: { lastReason: null, lastAt: null, ...dead.get(), ...last.get() } as Spans["deadLetters"],
  };
}
