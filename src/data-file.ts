import type { Schema } from "./store/objection.ts";
import type { StoreOptions } from "./store/open-store.ts";
import { isBusy, isDiskTrouble } from "./store/storage-error.ts";
import type { Store } from "./store/store.ts";

export type DataFileOptions = Pick<
  StoreOptions,
  "synchronous" | "busyTimeoutMs" | "openTimeoutMs" | "onWarning"
>;

/** How long a file that others keep locked is waited for, off the thread, in milliseconds. */
export const OPEN_TIMEOUT_MS = 2_000;

/**
 * Opens the file that events and spans share.
 * @throws INVALID_CONFIG when no database can be opened there, or another program's is there, and what SQLite
 * throws
 */
export async function openDataFile(file: string, options: DataFileOptions): Promise<Store> {
  const [{ openStore }, { patiently }, log, objectionTo] = await Promise.all([
    import("./store/open-store.ts"),
    import("./store/patience.ts"),
    import("./event-log/sqlite-schema.ts"),
    loadObjection(),
  ]);
  const { openTimeoutMs = OPEN_TIMEOUT_MS } = options;
  const deadline = performance.now() + openTimeoutMs;
  const store = await openStore({ ...options, openTimeoutMs, file, objectionTo });
  try {
    await patiently(deadline, () => log.settleEpoch(store));
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/**
 * What tells why a database is not to be used: another program's is there. It throws a `DamageError` when ours is
 * not as it was made.
 */
export async function loadObjection(): Promise<(schema: Schema) => string | undefined> {
  const [log, spans] = await Promise.all([
    import("./event-log/sqlite-schema.ts"),
    import("../exporters/span-outbox-tables.ts"),
  ]);
  return (schema) => log.objectionTo(schema) ?? spans.objectionTo(schema);
}

export interface FileUse {
  file: string;
  /** Is in memory alone when the file is of no use. */
  what: "events and spans" | "spans";
  onWarning: ((message: string) => void) | undefined;
}

/**
 * What `open` gives; undefined, and told of by a warning, when the disk takes or gives nothing, or when others
 * keep a file locked that must be written before it can be used: that must not keep a service from starting.
 * @throws what `open` throws for any other reason
 */
export async function unlessOfNoUse<T>(
  { file, what, onWarning }: FileUse,
  open: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    const { cause = error } = error as Error;
    if (!isDiskTrouble(cause) && !isBusy(cause)) throw error;
    const { message } = cause as Error;
    onWarning?.(
      `The database ${file} cannot be used (${message}). Until the next start, ${what} are in memory alone.`,
    );
    return undefined;
  }
}
