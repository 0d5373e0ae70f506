import type { SpanOutbox } from "../exporters/span-outbox.ts";
import type { ExporterConfig } from "./config.ts";
import { OPEN_TIMEOUT_MS, unlessOfNoUse } from "./data-file.ts";
import type { Store } from "./store/store.ts";

export interface SpanWayOutOptions {
  /** Keeps what cannot be sent beyond this process. Default: memory does, for as long as the process lives. */
  store?: Store | undefined;
  /** How long a store that others keep locked is waited for, off the thread. Default: 2,000. */
  openTimeoutMs?: number | undefined;
  onWarning: ((message: string) => void) | undefined;
}

/** Default for bytes of unsent spans that are kept where nothing but this process's memory can keep them. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * The outbox that spans of this process leave by. It is in memory, too, when the store has no tables for spans
 * yet and none can be made, which is told by a warning.
 * @throws INVALID_CONFIG when another program has tables of such names in the store
 */
export async function openSpanOutbox(
  exporter: ExporterConfig,
  { store, openTimeoutMs = OPEN_TIMEOUT_MS, onWarning }: SpanWayOutOptions,
): Promise<SpanOutbox> {
  const [{ createSpanOutbox }, { openMemoryStore }, { patiently }] = await Promise.all([
    import("../exporters/span-outbox.ts"),
    import("./store/memory-store.ts"),
    import("./store/patience.ts"),
  ]);
  const { outbox = {}, ...target } = exporter;
  const { maxMemoryBytes = MAX_MEMORY_BYTES, ...limits } = outbox;
  const options = { ...target, ...limits, onWarning };
  if (store !== undefined) {
    const deadline = performance.now() + openTimeoutMs;
    const durable = await unlessOfNoUse({ file: store.file, what: "spans", onWarning }, () =>
      patiently(deadline, () => createSpanOutbox({ ...options, store })),
    );
    if (durable !== undefined) return durable;
  }
  return createSpanOutbox({ ...options, store: await openMemoryStore(), maxBytes: maxMemoryBytes });
}
