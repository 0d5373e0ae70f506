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

/** Columns that our tables may lack, by table. */
export type LateColumns = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What the tables of our names in a database are to us. */
export interface Resemblance {
  /** Whether they have more than half of all our columns: another program's may have a few such names. */
  isOurs: boolean;
  /** The first table that is not there, or not as we made it. Later versions may have added columns. */
  harmed: string | undefined;
}

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

/** SQLite takes a table for sound when a name in it has turned into another, or a key into none. */
export function resemblanceOf(
  schema: Schema,
  shapes: readonly TableShape[],
  late: LateColumns = {},
): Resemblance {
  let [alike, all] = [0, 0];
  let harmed: string | undefined;
  for (const shape of shapes) {
    const found = columnsIn(schema, shape.name);
    const lacking = shape.columns.filter((column) => !found.some((other) => isSame(other, column)));
    alike += shape.columns.length - lacking.length;
    all += shape.columns.length;
    // One that lacks columns has no stranger, either: that is a late column whose name has turned into another.
    const mayLack = found.length < shape.columns.length ? (late[shape.name] ?? {}) : {};
    const isLate = ({ name }: Column) => name in mayLack && !found.some((other) => other.name === name);
    if (!lacking.every(isLate)) harmed ??= shape.name;
  }
  return { isOurs: alike > all / 2, harmed };
}

function columnsIn(schema: Schema, table: string): Column[] {
  const rows = schema.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info(?)`).all(table);
  return rows.map(({ name, type, notnull, pk }) => ({
    name: String(name),
    type: String(type),
    isKey: pk !== 0,
    isRequired: pk !== 0 || notnull !== 0,
  }));
}

function isSame(one: Column, other: Column): boolean {
  return (Object.keys(one) as (keyof Column)[]).every((key) => one[key] === other[key]);
}
