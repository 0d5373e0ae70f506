import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ExporterConfig } from "../../src/config.ts";
import { openSpanOutbox, type SpanWayOutOptions } from "../../src/span-way-out.ts";
import type { Store } from "../../src/store/store.ts";
import { createFileLock } from "../fixtures/file-lock.ts";
import { storeFile } from "../fixtures/outbox-rig.ts";
import { openTestStore } from "../fixtures/sqlite-logs.ts";
import { errorFrom } from "../fixtures/thrown.ts";

const NOBODY: ExporterConfig = {
  protocol: "http/json",
  url: "http://127.0.0.1:1/v1/traces",
  headers: {},
  timeoutMs: 1_000,
};

const TABLES = ["span_chunk", "span_dead_letter", "span_queue"];

function tablesOf(store: Store): unknown[] {
  const tables = store.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return tables.map(({ name }) => name);
}

async function open(options: Partial<SpanWayOutOptions>) {
  const warnings: string[] = [];
  const outbox = await openSpanOutbox(NOBODY, { onWarning: (message) => warnings.push(message), ...options });
  onTestFinished(() => outbox.shutdown({ deadlineMs: 0 }));
  return { outbox, warnings };
}

describe("the way out for spans", () => {
  it("is in memory when others keep a file locked that has no room for them yet, which is told", async () => {
    const store = await openTestStore({ file: storeFile(), busyTimeoutMs: 1 });
    createFileLock(store.file).hold();
    const { warnings } = await open({ store, openTimeoutMs: 1 });
    expect(tablesOf(store)).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/cannot be used \(database is locked\).* spans are in memory/),
    ]);
  });

  it("waits for such a file for a moment, off the thread", async () => {
    const store = await openTestStore({ file: storeFile(), busyTimeoutMs: 1 });
    const lock = createFileLock(store.file);
    lock.hold();
    const opening = open({ store, openTimeoutMs: 10_000 });
    setImmediate(() => lock.letGo());
    const { warnings } = await opening;
    expect([tablesOf(store), warnings]).toEqual([TABLES, []]);
  });

  it("is in a file that is locked and has room for them", async () => {
    const { file } = await openTestStore({ file: storeFile() });
    await open({ store: await openTestStore({ file }) });
    createFileLock(file).hold();
    const store = await openTestStore({ file, busyTimeoutMs: 1, openTimeoutMs: 1 });
    const { warnings } = await open({ store });
    expect(warnings).toEqual([expect.stringContaining("They stay in memory until they can")]);
  });

  it.each(["span_queue", "span_chunk", "Span_dead_letter"])(
    "is refused where another program has a table named %s",
    async (table) => {
      const file = storeFile();
      const theirs = new DatabaseSync(file);
      theirs.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, theirs TEXT)`);
      theirs.close();
      const store = await openTestStore({ file });
      const error = await errorFrom(() => open({ store }));
      expect(error).toMatchObject({ code: "INVALID_CONFIG", path: "file" });
      expect(error.message).toContain(`named \`${table.toLowerCase()}\``);
      expect(tablesOf(store)).toEqual([table]);
    },
  );
});
