import type { Database } from "./database.ts";
import type { Schema } from "./objection.ts";

/**
 * The application id of each file that we begin: "Orc", and a number that rises with what older versions of
 * this library would take for damage. https://sqlite.org/fileformat2.html#application_id
 */
const MARK = 0x4f726301;

/** Marks a database that holds nothing yet. To be called in a transaction that writes. */
export function markAsOurs(database: Database): void {
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (isEmpty) database.exec(`PRAGMA application_id = ${MARK}`);
}

/** Whether we began the file, so that whatever is in it was once made by us or let in by us. */
export function isMarkedAsOurs(schema: Schema): boolean {
  return schema.prepare("PRAGMA application_id").get()?.application_id === MARK;
}
