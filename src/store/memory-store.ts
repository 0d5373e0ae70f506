import { loadSqlite } from "./runtime-sqlite.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { Store } from "./store.ts";

const IN_MEMORY = ":memory:";

/** A store of this process alone, gone with it. */
export async function openMemoryStore(): Promise<Store> {
  const open = await loadSqlite();
  return new SqliteStore(IN_MEMORY, open(IN_MEMORY));
}
