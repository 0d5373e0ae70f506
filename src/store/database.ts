import { pathToFileURL } from "node:url";
import type { Statement } from "./store.ts";

/** What the SQLite of each runtime can do alike; errors pass through as the runtime throws them. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** `read` changes nothing; `frozen` does not even make files beside it, as nobody else changes anything. */
type Access = "write" | "read" | "frozen";

/** With `write`, the default, creates the file when there is none. */
export type OpenDatabase = (file: string, access?: Access) => Database;

/** How a frozen file is named: https://sqlite.org/uri.html#uriimmutable */
export function frozenUrl(file: string): URL {
  const url = pathToFileURL(file);
  url.search = "immutable=1";
  return url;
}
