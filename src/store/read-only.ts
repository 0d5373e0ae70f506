import { existsSync } from "node:fs";
import type { Database } from "./database.ts";
import { loadSqlite } from "./runtime-sqlite.ts";

/**
 * Opens a database file to look at it, whoever else has it open: nothing in it can be changed, nobody is
 * kept waiting, and no file is made beside one that is not in use.
 * @throws what SQLite throws
 */
export async function openReadOnly(file: string): Promise<Database> {
  const open = await loadSqlite();
  // To read a file with a journal takes an index of the journal, which is made if it is missing.
  return open(file, existsSync(`${file}-wal`) ? "read" : "frozen");
}
