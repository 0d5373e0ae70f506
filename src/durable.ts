import { type DataFileOptions, OPEN_TIMEOUT_MS, openDataFile, unlessOfNoUse } from "./data-file.ts";
import type { SqliteEventLog, SqliteEventLogOptions } from "./event-log/sqlite.ts";
import type { CancelRequests } from "./event-log/sqlite-cancel-requests.ts";
import type { Leases } from "./event-log/sqlite-leases.ts";
import type { Store } from "./store/store.ts";

/** The file in which events and spans outlive their process, and who answers for the jobs in it. */
export interface Durable {
  readonly store: Store;
  readonly log: SqliteEventLog;
  readonly leases: Leases;
  /** From and to the other processes of the file. */
  readonly cancelRequests: CancelRequests;
  /** Signs out and closes the file. Idempotent. */
  close(): Promise<void>;
}

export interface DurableOptions
  extends DataFileOptions,
    Pick<SqliteEventLogOptions, "retention" | "maxWaiting" | "pollIntervalMs"> {
  /** `service.instance.id`: the `source` of the events that this process publishes. */
  instanceId: string;
  /** A store that is open already, used as it is when it is that file's. It is left open then. */
  sharedStore: Store | undefined;
  onWarning: (message: string) => void;
}

/**
 * Undefined without a file, and, told of by a warning, when the disk takes or gives nothing, or when others
 * keep a file locked that must be written before it can be used: that must not keep a service from starting.
 * A file that is ready is used while others keep it locked; what is new waits in memory then.
 * @throws INVALID_CONFIG when no database can be opened there, or another program's is there;
 *   INVALID_ARGUMENT for a bad option
 */
export async function openDurable(
  file: string | undefined,
  options: DurableOptions,
): Promise<Durable | undefined> {
  if (file === undefined) return undefined;
  const { onWarning } = options;
  return unlessOfNoUse({ file, what: "events and spans", onWarning }, () => open(file, options));
}

async function open(file: string, options: DurableOptions): Promise<Durable> {
  const [{ patiently }, { createSqliteEventLog }, { createLeases }, { CancelRequests }] = await Promise.all([
    import("./store/patience.ts"),
    import("./event-log/sqlite.ts"),
    import("./event-log/sqlite-leases.ts"),
    import("./event-log/sqlite-cancel-requests.ts"),
  ]);
  const { instanceId, sharedStore, openTimeoutMs = OPEN_TIMEOUT_MS } = options;
  const { retention, maxWaiting, pollIntervalMs, onWarning } = options;
  const deadline = performance.now() + openTimeoutMs;
  const isShared = sharedStore?.file === file;
  const store = isShared ? (sharedStore as Store) : await openDataFile(file, { ...options, openTimeoutMs });
  let log: SqliteEventLog | undefined;
  let leases: Leases | undefined;
  let cancelRequests: CancelRequests | undefined;
  const close = async () => {
    cancelRequests?.close();
    await log?.close();
    // Not before the log: what waited for the file belongs to the lease, too.
    leases?.release();
    if (!isShared) store.close();
  };
  try {
    // Processes that start at once on a new file hold each other up.
    leases = await patiently(deadline, () => createLeases(store));
    const lease = { id: leases.id, source: instanceId };
    log = createSqliteEventLog({ store, lease, retention, maxWaiting, pollIntervalMs, onWarning });
    cancelRequests = new CancelRequests(store, { lease: leases.id });
    return { store, log, leases, cancelRequests, close };
  } catch (error) {
    await close();
    throw error;
  }
}
