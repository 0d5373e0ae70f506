import { OrchestraError } from "../errors.ts";
import { versionProblem } from "../node-version.ts";
import { type Database, frozenUrl, type OpenDatabase } from "./database.ts";

/** https://nodejs.org/api/sqlite.html @throws UNAVAILABLE where there is none */
export function loadNodeSqlite(): OpenDatabase {
  const sqlite = withoutItsWarning(() => process.getBuiltinModule("node:sqlite"));
  if (sqlite === undefined) {
    throw new OrchestraError(
      "UNAVAILABLE",
      versionProblem(process.versions.node) ?? "This Node has no SQLite",
    );
  }
  const { DatabaseSync } = sqlite;
  // Its type allows for BigInt results, which have to be asked for.
  return (file, access = "write") => {
    const readOnly = access !== "write";
    return new DatabaseSync(access === "frozen" ? frozenUrl(file) : file, {
      readOnly,
    }) as unknown as Database;
  };
}

/**
 * Some versions of Node tell stderr that the module is experimental when it is first loaded, and what
 * stderr belongs to may be a terminal in use. Synchronous, so that no other warning can get lost.
 */
function withoutItsWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (...call: unknown[]) => {
    if (!String(call[0]).startsWith("SQLite is an experimental")) Reflect.apply(emitWarning, process, call);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
