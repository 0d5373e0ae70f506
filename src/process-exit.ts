/** What has to be done before a process is gone. */
export interface Leaving {
  /** Called when nothing keeps the process any more. It may wait. */
  close: () => Promise<void>;
  /** Called as the process ends, by `process.exit` or an uncaught error, too: what it leaves for later never happens. */
  write: () => void;
}

const pending = new Set<Leaving>();

function onBeforeExit(): void {
  for (const { close } of pending) void close();
}

function onExit(): void {
  for (const { write } of pending) write();
}

/**
 * Lets somebody leave together with the process. Returns what takes it back. One listener for all, as many
 * would look like a leak of them.
 */
export function leaveWithProcess(leaving: Leaving): () => void {
  if (pending.size === 0) {
    process.on("beforeExit", onBeforeExit);
    // Before others, such as those who write what comes of our events: both belong together.
    process.prependListener("exit", onExit);
  }
  pending.add(leaving);
  return () => {
    pending.delete(leaving);
    if (pending.size > 0) return;
    process.off("beforeExit", onBeforeExit);
    process.off("exit", onExit);
  };
}
