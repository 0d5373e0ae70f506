import { OrchestraError } from "../errors.ts";
import { DamageError } from "./damage.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

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

/** What is the matter with a database of ours, one of whose tables is harmed. */
export function notAsMade(table: string): string {
  return `its table \`${table}\` is not as it was made`;
}

/** @throws INVALID_CONFIG when there is an objection to a database that is open already, or it is damaged */
export function requireRoom(store: Store, objectionTo: (schema: Schema) => string | undefined): void {
  const objection = objectionOrDamage(store, objectionTo);
  if (objection !== undefined) throw unusable(store.file, objection);
}

function objectionOrDamage(
  schema: Schema,
  objectionTo: (schema: Schema) => string | undefined,
): string | undefined {
  try {
    return objectionTo(schema);
  } catch (error) {
    if (error instanceof DamageError) return error.message;
    throw error;
  }
}

export function unusable(file: string, objection: string): OrchestraError {
  const message = `The database ${file} cannot be used: ${objection}`;
  return new OrchestraError("INVALID_CONFIG", message, { path: "file" });
}
