import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFilter, type EventFilter } from "../../../src/event/event-filter.ts";
import type { Cursor, UnplacedEvent } from "../../../src/event/event-log.ts";
import type { SqliteEventLog } from "../../../src/event-log/sqlite.ts";
import { HOSTILE_TEXT } from "../../fixtures/hostile-events.ts";
import { idsOf, jobEvent, openTestLog, unplaced } from "../../fixtures/sqlite-logs.ts";

/** Ids that are parts of each other, or hard to write down. */
const IDS = ["a", "a b", "b", 'a"b', "a\\", "ä€😀", HOSTILE_TEXT, "a\ud800", "%", "orchestra.error"];
const id = fc.constantFrom(...IDS);

const event: fc.Arbitrary<Parameters<typeof jobEvent>> = fc.tuple(
  fc.constantFrom("created" as const, "progress" as const, "completed" as const),
  fc.record({ jobId: id, workerId: id, sessionId: id }),
);

const some = <T>(values: fc.Arbitrary<T>) =>
  fc.option(fc.array(values, { maxLength: 3 }), { nil: undefined });
const filter: fc.Arbitrary<EventFilter> = fc.record({
  types: some(fc.constantFrom("orchestra.job.*", "orchestra.job.created", "orchestra.error", "orchestra.*")),
  jobIds: some(id),
  workerIds: some(id),
  sessionIds: some(id),
});

function pagesOf(log: SqliteEventLog, wanted: EventFilter, limit: number) {
  const pages = [];
  let after: Cursor | undefined;
  for (;;) {
    const page = log.read({ after, limit, filter: wanted });
    if (page.next === after) return pages;
    pages.push(page);
    after = page.next;
  }
}

function manyEvents(count: number, make: (index: number) => UnplacedEvent): UnplacedEvent[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

describe("a filtered read", () => {
  it("finds what a look at every event finds, whether it lies in a block, behind the last, or both", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 12 }),
        fc.array(filter, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        async (events, filters, limit) => {
          const { log, store } = await openTestLog();
          const seeds = events.map(([type, facts], revision) => jobEvent(type, { ...facts, revision }));
          // Enough of other kinds that blocks are closed between them.
          const batch = seeds.flatMap((seed, index) => [
            seed,
            ...manyEvents(60, (more) => unplaced(`${index}-${more}`)),
          ]);
          for (let from = 0; from < batch.length; from += 100)
            await log.append(batch.slice(from, from + 100));
          for (const wanted of filters) {
            const matches = compileFilter(wanted);
            const expected = batch.filter((one) => matches(JSON.parse(one.json))).map((one) => one.event.id);
            const pages = pagesOf(log, wanted, limit);
            expect(pages.flatMap((page) => idsOf(page.records))).toEqual(expected);
            for (const page of pages) expect(page.records.length).toBeLessThanOrEqual(limit);
          }
          await log.close();
          store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it("does not look at blocks that cannot hold what is asked for", async () => {
    const { log, store } = await openTestLog();
    for (let batch = 0; batch < 40; batch++) {
      await log.append(manyEvents(256, (index) => unplaced(`${batch}-${index}`)));
    }
    await log.append([
      jobEvent("created", { jobId: "needle" }),
      ...manyEvents(255, (index) => unplaced(`l${index}`)),
    ]);
    // What is looked at and makes no sense is counted.
    store.exec(`UPDATE events SET json = json || 'x'  WHERE id <> 'needle-created-0'`);
    const page = log.read({ filter: { jobIds: ["needle"] } });
    expect(idsOf(page.records)).toEqual(["needle-created-0"]);
    expect([page.next, log.stats().unreadable]).toEqual([log.bounds().latest, 0]);
  });

  it("does a bounded amount of work, and says how far it has come", async () => {
    const { log } = await openTestLog();
    const needles = Array.from({ length: 40 }, (_, index) => `job-${index}`);
    for (let batch = 0; batch < 40; batch++) {
      await log.append(manyEvents(256, (index) => unplaced(`${batch}-${index}`)));
    }
    await log.append([jobEvent("created", { jobId: "job-39" })]);
    // Too many ids to be looked up.
    const pages = pagesOf(log, { jobIds: needles }, 10);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap((page) => idsOf(page.records))).toEqual(["job-39-created-0"]);
    // Each in every block, but never in one event.
    const both = { jobIds: ["job-1"], types: ["orchestra.job.created"] };
    for (let batch = 0; batch < 40; batch++) {
      await log.append([
        jobEvent("created", { jobId: `other-${batch}` }),
        jobEvent("progress", { jobId: "job-1", revision: batch }),
        ...manyEvents(254, (index) => unplaced(`both-${batch}-${index}`)),
      ]);
    }
    const bothPages = pagesOf(log, both, 10);
    expect(bothPages.length).toBeGreaterThan(1);
    expect(bothPages.flatMap((page) => page.records)).toEqual([]);
    expect(bothPages.at(-1)?.next).toBe(log.bounds().latest);
  });

  it("finds what was written before this process began, and by others meanwhile", async () => {
    const first = await openTestLog();
    const second = await openTestLog({ file: first.file });
    for (let round = 0; round < 8; round++) {
      const facts = { jobId: `job-${round % 3}`, revision: round };
      await first.log.append([
        jobEvent("progress", facts),
        ...manyEvents(60, (index) => unplaced(`a${round}-${index}`)),
      ]);
      await second.log.append(manyEvents(60, (index) => unplaced(`b${round}-${index}`)));
    }
    await first.log.close();
    const third = await openTestLog({ file: first.file });
    await third.log.append([
      jobEvent("completed", { jobId: "job-1", revision: 9 }),
      ...manyEvents(300, (index) => unplaced(`c${index}`)),
    ]);
    for (const log of [second.log, third.log]) {
      const ids = idsOf(log.read({ filter: { jobIds: ["job-1"] } }).records);
      expect(ids).toEqual(["job-1-progress-1", "job-1-progress-4", "job-1-progress-7", "job-1-completed-9"]);
    }
    const blocks = third.store.prepare("SELECT after, last FROM event_blocks ORDER BY last").all();
    blocks.forEach(({ after }, index) => {
      expect(after).toBe(index === 0 ? 0 : blocks[index - 1]?.last);
    });
  });
});
