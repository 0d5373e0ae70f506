import { OrchestraError } from "../errors.ts";
import type { Database } from "./database.ts";

/** What can be asked before a database is used. */
export type Schema = Pick<Database, "prepare">;

/** Which of our names, in lower case, a database has. */
export function namesIn(schema: Schema, ours: readonly string[]): string[] {
  const rows = schema.prepare("SELECT lower(name) AS name FROM sqlite_schema").all();
  return rows.map(({ name }) => String(name)).filter((name) => ours.includes(name));
}

/** The columns of a table or view. */
export function columnsOf(schema: Schema, table: string): unknown[] {
  const rows = schema.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  return rows.map(({ name }) => name);
}

/** The objection to a database in which another program uses our names. */
export function namesTaken(names: readonly string[]): string {
  return `it is another program's, with tables of its own that are named \`${names.join("`, `")}\``;
}

export function unusable(file: string, objection: string): OrchestraError {
  const message = `The database ${file} cannot be used: ${objection}`;
  return new OrchestraError("INVALID_CONFIG", message, { path: "file" });
}
