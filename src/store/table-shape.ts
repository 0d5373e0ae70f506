import type { Schema } from "./objection.ts";

/** A table as its statement makes it. */
export interface TableShape {
  name: string;
  columns: readonly Column[];
}

interface Column {
  name: string;
  type: string;
  isKey: boolean;
  isRequired: boolean;
}

/** What a table of one of our names is to us. Later versions may have added columns to ours. */
export type Likeness = "ours" | "harmed" | "theirs" | "absent";

/** @param sql `CREATE TABLE IF NOT EXISTS` statements, with a line for each column */
export function tableShapes(sql: string): TableShape[] {
  return [...sql.matchAll(/CREATE TABLE IF NOT EXISTS (\w+) \(\n([\s\S]+?)\n *\)/g)].map(
    ([, name, body]) => ({
      name: String(name),
      columns: String(body).split("\n").map(columnOf),
    }),
  );
}

function columnOf(line: string): Column {
  const [name = "", type = ""] = line.trim().replace(/,$/, "").split(" ");
  const isKey = line.includes("PRIMARY KEY");
  return { name, type, isKey, isRequired: isKey || line.includes("NOT NULL") };
}

/**
 * SQLite takes a table for sound when a name in it has turned into another, or a key into none. One that has
 * more than half of our columns is ours all the same.
 * @param late columns that ours may lack
 */
export function likenessOf(schema: Schema, shape: TableShape, late: readonly string[] = []): Likeness {
  const rows = schema.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info(?)`).all(shape.name);
  if (rows.length === 0) return "absent";
  const found = rows.map(({ name, type, notnull, pk }) => {
    return { name, type, isKey: pk !== 0, isRequired: pk !== 0 || notnull !== 0 };
  });
  const isSame = (column: Column) => found.some((other) => JSON.stringify(other) === JSON.stringify(column));
  const lacking = shape.columns.filter((column) => !isSame(column));
  // One that lacks columns has no stranger, either: that is a late column whose name has turned into another.
  const mayLack = found.length < shape.columns.length ? late : [];
  if (lacking.every(({ name }) => mayLack.includes(name) && !found.some((other) => other.name === name))) {
    return "ours";
  }
  return lacking.length < shape.columns.length / 2 ? "harmed" : "theirs";
}
