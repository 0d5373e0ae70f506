import type { OpenDatabase } from "./database.ts";

/** The SQLite of the runtime we are in. */
export async function loadSqlite(): Promise<OpenDatabase> {
  if (process.versions.bun !== undefined) return (await import("./bun-database.ts")).loadBunSqlite();
  return (await import("./node-database.ts")).loadNodeSqlite();
}
