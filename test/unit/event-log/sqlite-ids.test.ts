import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventId } from "../../../src/event/event-id.ts";
import type { UnplacedEvent } from "../../../src/event/event-log.ts";
import { append, idsOf, openTestLog, readAll, unplaced } from "../../fixtures/sqlite-logs.ts";

const START_MS = Date.UTC(2026, 0, 1);

/** Ids that tell their time, in any order, and ids that do not. */
const ids = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 40 }).map((ms) => `${createEventId(START_MS + ms).slice(0, 24)}000000000000`),
    fc.integer({ min: 0, max: 40 }).map((number) => `id-${number}`),
    fc.constantFrom("not-a-uu-id-7-but-as-long-as-one-is!!", "zzzzzzzz-zzzz-7zzz-zzzz-zzzzzzzzzzzz"),
  ),
  { maxLength: 40 },
);

/** Enough events that everything before them is indexed. */
function filler(round: number): UnplacedEvent[] {
  return Array.from({ length: 260 }, (_, index) => unplaced(`filler-${round}-${index}`));
}

describe("an id", () => {
  it("is taken once, by several logs on one file, soon or much later, in large batches and small", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ids, by: fc.nat({ max: 1 }), fill: fc.boolean(), reopen: fc.boolean() }), {
          maxLength: 8,
        }),
        async (steps) => {
          const first = await openTestLog();
          const logs = [first, await openTestLog({ file: first.file })];
          const held = new Set<string>();
          for (const [round, step] of steps.entries()) {
            const { log } = logs[step.by] as typeof first;
            const expected = step.ids.map((id) => !held.has(id) && held.add(id) !== undefined);
            const batch = [...step.ids.map(unplaced), ...(step.fill ? filler(round) : [])];
            const cursors = await log.append(batch);
            expect(cursors.slice(0, step.ids.length).map((cursor) => cursor !== undefined)).toEqual(expected);
            if (step.reopen) logs[step.by] = await openTestLog({ file: first.file });
          }
          const inLog = idsOf(readAll(first.log)).filter((id) => !id.startsWith("filler"));
          expect(inLog).toEqual([...held]);
          for (const { log, store } of logs) {
            await log.close();
            store.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("is taken once in a batch of several thousand, and of it afterwards", async () => {
    const { log } = await openTestLog();
    const many = Array.from({ length: 3_000 }, (_, index) => `${index}`);
    const first = await append(log, ...many, ...many);
    expect(first.filter((cursor) => cursor !== undefined)).toHaveLength(3_000);
    const second = await append(log, ...many);
    expect(second.filter((cursor) => cursor !== undefined)).toEqual([]);
  });

  it("is still known when what it was noted for was not kept", async () => {
    const { log, store, file } = await openTestLog();
    await append(log, "1");
    store.exec(
      "CREATE TRIGGER no BEFORE INSERT ON events WHEN NEW.id = 'no' BEGIN SELECT raise(ABORT, 'no'); END",
    );
    await append(log, "2", "no");
    expect(log.stats()).toMatchObject({ degraded: true, waiting: 2 });
    store.exec("DROP TRIGGER no");
    const other = await openTestLog({ file });
    expect(await append(other.log, "2", "1")).toEqual([expect.any(String), undefined]);
    await log.flush();
    expect(idsOf(readAll(log))).toEqual(["1", "2", "no"]);
  });
});
