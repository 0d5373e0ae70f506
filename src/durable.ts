import { formatCursor, parseCursor } from "./event/cursor.ts";
import type { EventLog } from "./event/event-log.ts";
import type { JobTable } from "./event/job-table.ts";
import type { SqliteEventLog } from "./event-log/sqlite.ts";
import type { Leases } from "./event-log/sqlite-leases.ts";
import { isDiskTrouble } from "./store/storage-error.ts";
import type { Store } from "./store/store.ts";

/** The file in which events and spans outlive their process, and who answers for the jobs in it. */
export interface Durable {
  readonly store: Store;
  readonly log: SqliteEventLog;
  readonly leases: Leases;
  /** Signs out and closes the file. Idempotent. */
  close(): Promise<void>;
}

export interface DurableOptions {
  /** `service.instance.id`: what owns the jobs that this process creates. */
  instanceId: string;
  /** A store that is open already, used when it is that file's. It is left open then. */
  sharedStore: Store | undefined;
  onWarning: (message: string) => void;
}

/**
 * Undefined without a file, and, told of by a warning, when the disk takes or gives nothing: that must not
 * keep a service from starting.
 * @throws INVALID_CONFIG when no database can be opened there
 */
export async function openDurable(
  file: string | undefined,
  options: DurableOptions,
): Promise<Durable | undefined> {
  if (file === undefined) return undefined;
  try {
    return await open(file, options);
  } catch (error) {
    const { cause = error } = error as Error;
    if (!isDiskTrouble(cause)) throw error;
    options.onWarning(
      `The database ${file} cannot be used (${(cause as Error).message}). Until the next start, events and ` +
        "spans are in memory alone.",
    );
    return undefined;
  }
}

async function open(file: string, { instanceId, sharedStore, onWarning }: DurableOptions): Promise<Durable> {
  const [{ openStore }, { createSqliteEventLog }, { createLeases }] = await Promise.all([
    import("./store/open-store.ts"),
    import("./event-log/sqlite.ts"),
    import("./event-log/sqlite-leases.ts"),
  ]);
  const isShared = sharedStore?.file === file;
  const store = isShared ? (sharedStore as Store) : await openStore({ file, onWarning });
  let log: SqliteEventLog | undefined;
  const close = async () => {
    await log?.close();
    if (!isShared) store.close();
  };
  try {
    log = createSqliteEventLog({ store, onWarning });
    const leases = createLeases(store, { instanceId });
    return {
      store,
      log,
      leases,
      close: async () => {
        leases.release();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Events at the end of a log that a new process reads to know its jobs. */
const RECENT_EVENTS = 10_000;

/** Tells a job table what a log that was there before it holds of late. */
export async function fillJobTable(jobs: JobTable, log: EventLog): Promise<void> {
  const { latest } = await log.bounds();
  const end = parseCursor(latest);
  if (end === undefined) return;
  let after = formatCursor(end.epoch, Math.max(0, end.sequence - RECENT_EVENTS));
  for (;;) {
    const { records, next } = await log.read({ after });
    for (const record of records) jobs.onEvent(record);
    if (next === after || next === latest) return;
    after = next;
  }
}
