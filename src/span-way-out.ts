import type { SpanOutbox } from "../exporters/span-outbox.ts";
import type { ExporterConfig } from "./config.ts";
import type { Store } from "./store/store.ts";

/** Bytes of unsent spans that are kept where nothing but this process's memory can keep them. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * The outbox that spans of this process leave by: in the store when there is one, so that what cannot be
 * sent outlives the process; else in memory.
 */
export async function openSpanOutbox(
  exporter: ExporterConfig,
  store: Store | undefined,
  onWarning: ((message: string) => void) | undefined,
): Promise<SpanOutbox> {
  const [{ createSpanOutbox }, { openMemoryStore }] = await Promise.all([
    import("../exporters/span-outbox.ts"),
    import("./store/memory-store.ts"),
  ]);
  if (store !== undefined) return createSpanOutbox({ ...exporter, store, onWarning });
  return createSpanOutbox({
    ...exporter,
    store: await openMemoryStore(),
    maxBytes: MAX_MEMORY_BYTES,
    onWarning,
  });
}
