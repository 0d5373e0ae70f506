import { type Database, frozenUrl, type OpenDatabase } from "./database.ts";
import type { SqlValue, Statement } from "./store.ts";

/** What we use of https://bun.sh/docs/api/sqlite */
interface BunSqlite {
  constants: { SQLITE_OPEN_READONLY: number; SQLITE_OPEN_URI: number };
  Database: new (
    file: string,
    options: { create: boolean; readwrite: boolean } | { readonly: boolean } | number,
  ) => {
    run(sql: string): unknown;
    prepare(sql: string): BunStatement;
    close(): void;
  };
}

interface BunStatement {
  run(...parameters: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...parameters: SqlValue[]): Record<string, SqlValue> | null;
  all(...parameters: SqlValue[]): Record<string, SqlValue>[];
  finalize(): void;
}

export async function loadBunSqlite(): Promise<OpenDatabase> {
  // Not a literal: other runtimes' tools would look for the module.
  const specifier: string = "bun:sqlite";
  const sqlite: BunSqlite = await import(specifier);
  const { SQLITE_OPEN_READONLY, SQLITE_OPEN_URI } = sqlite.constants;
  return (file, access = "write") => {
    if (access === "frozen") {
      return adapt(new sqlite.Database(frozenUrl(file).href, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
    }
    const options = access === "write" ? { create: true, readwrite: true } : { readonly: true };
    return adapt(new sqlite.Database(file, options));
  };
}

function adapt(database: InstanceType<BunSqlite["Database"]>): Database {
  const statements: BunStatement[] = [];
  return {
    exec: (sql) => void database.run(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      statements.push(statement);
      return adaptStatement(statement);
    },
    close: () => {
      // A connection with statements stays open behind the scenes, and its journal lies around.
      for (const statement of statements) statement.finalize();
      database.close();
    },
  };
}

function adaptStatement(statement: BunStatement): Statement {
  return {
    run: (...parameters) => statement.run(...parameters),
    get: (...parameters) => statement.get(...parameters) ?? undefined,
    all: (...parameters) => statement.all(...parameters),
  };
}
