import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Cursor } from "../../../src/event/event-log.ts";
import type { SqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import { idsOf, openTestLog, openTestStore, unplaced } from "../../fixtures/sqlite-logs.ts";

const POLL_MS = 100;
/** More than are written through at once. */
const MANY = 700;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** A process that writes a file, until that fails it. */
async function openWriter(name: string, file: string) {
  const store = createFaultyStore(await openTestStore({ file }));
  // Random places are apart from each other, but which of two lies first is chance.
  const random = () => (name === "a" ? 0.7 : 0.2);
  const { log } = await openTestLog({ store, pollIntervalMs: POLL_MS, random });
  const given: { id: string; cursor: Cursor }[] = [];
  return {
    log,
    given,
    append: async (count: number) => {
      const ids = Array.from({ length: count }, (_, index) => `${name}${given.length + index}`);
      const cursors = await log.append(ids.map(unplaced));
      given.push(...ids.map((id, index) => ({ id, cursor: cursors[index] as Cursor })));
    },
    fail: (fails: boolean) => {
      store.fault = fails ? /BEGIN/ : undefined;
    },
  };
}

function everythingAfter(log: SqliteEventLog, after?: Cursor) {
  const ids: string[] = [];
  for (;;) {
    const { records, next, gap } = log.read({ after });
    if (gap !== undefined) return undefined;
    ids.push(...idsOf(records));
    if (next === after) return ids;
    after = next;
  }
}

const step = fc.record({
  who: fc.constantFrom<"a" | "b">("a", "b"),
  what: fc.oneof(
    fc.constantFrom(1, 2, MANY).map((count) => ({ count })),
    fc.boolean().map((fails) => ({ fails })),
    fc.constantFrom(1, 2, 12).map((polls) => ({ polls })),
  ),
});

type Writer = Awaited<ReturnType<typeof openWriter>>;

/** Holds what a file has against what its writers were told. */
async function expectTruth(file: string, writers: Record<string, Writer>) {
  const { log, store } = await openTestLog({ file });
  const all = everythingAfter(log) as string[];
  const ordinals = store.prepare("SELECT ordinal FROM events ORDER BY sequence").all();
  expect(ordinals.every(({ ordinal }, index) => ordinal === index + 1)).toBe(true);
  for (const [name, { given }] of Object.entries(writers)) {
    expect(all.filter((id) => id.startsWith(name))).toEqual(given.map(({ id }) => id));
    for (const { id, cursor } of given.filter((_, index) => index % 50 === 0 || index % MANY < 3)) {
      const following = everythingAfter(log, cursor) ?? "told of a gap";
      expect([all.slice(all.indexOf(id) + 1), "told of a gap"]).toContainEqual(following);
    }
  }
}

it("whoever cannot write for a while, all keep their order, and no place means another's event", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      const { file } = await openTestStore();
      const writers = { a: await openWriter("a", file), b: await openWriter("b", file) };
      for (const { who, what } of steps) {
        if ("count" in what) await writers[who].append(what.count);
        else if ("fails" in what) writers[who].fail(what.fails);
        else vi.advanceTimersByTime(what.polls * POLL_MS);
      }
      for (const { fail, log } of Object.values(writers)) {
        fail(false);
        await log.flush();
      }
      await expectTruth(file, writers);
    }),
    { numRuns: 20 },
  );
});
