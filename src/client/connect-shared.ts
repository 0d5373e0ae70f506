import { type ConnectOptions, connect } from "./connect.ts";
import { type Connection, FeedConnection } from "./connection.ts";
import { type OpenWorker, readShared } from "./shared-source.ts";

/** What a worker cannot be sent, it does in its own way. */
export interface SharedConnectOptions extends Omit<ConnectOptions, "fetch" | "random"> {
  /**
   * Where the page's server has the worker's script (`orchestra-otel/client/shared-worker`, bundled).
   * Default: beside this module, as bundlers that know `new URL(…, import.meta.url)` put it.
   */
  workerUrl?: string | URL | undefined;
}

/**
 * As `connect`, but all pages of one site that read the same share one connection, which lives in a
 * `SharedWorker`. Where there is none, or it cannot be loaded, the page connects by itself.
 */
export function connectShared({ workerUrl, ...options }: SharedConnectOptions): Connection {
  if (typeof SharedWorker === "undefined") return connect(options);
  const openWorker: OpenWorker = () =>
    workerUrl === undefined
      ? new SharedWorker(new URL("./shared-worker.js", import.meta.url), { type: "module" })
      : new SharedWorker(workerUrl, { type: "module" });
  const withSnapshots = options.onSnapshot !== undefined;
  return new FeedConnection(options, (signal) =>
    readShared({ ...options, withSnapshots, signal }, openWorker),
  );
}
