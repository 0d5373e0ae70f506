/** What still has to leave when the process is about to end by itself. */
const pending = new Set<() => Promise<void>>();

function onBeforeExit(): void {
  for (const close of pending) void close();
}

/**
 * Calls `close` when nothing keeps the process any more. Returns what takes it back. One listener for
 * all, as many would look like a leak of them.
 */
export function closeBeforeExit(close: () => Promise<void>): () => void {
  if (pending.size === 0) process.on("beforeExit", onBeforeExit);
  pending.add(close);
  return () => {
    pending.delete(close);
    if (pending.size === 0) process.off("beforeExit", onBeforeExit);
  };
}
