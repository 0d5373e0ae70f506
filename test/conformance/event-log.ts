import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCursor } from "../../src/event/cursor.ts";
import type { OrchestratorEvent } from "../../src/event/event.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import {
  type Cursor,
  DEFAULT_READ_LIMIT,
  type EventLog,
  type EventRecord,
  type MaybePromise,
} from "../../src/event/event-log.ts";
import { exampleEvent, exampleEvents } from "../fixtures/event-examples.ts";
import { HOSTILE_TEXT, hostileEvents } from "../fixtures/hostile-events.ts";
import { errorFrom } from "../fixtures/thrown.ts";
import { describeReplay } from "./event-log-replay.ts";

export type CreateEventLog = (options: { capacity?: number }) => MaybePromise<EventLog>;

/** Events of the same kind, told apart by their ids. */
function numbered(count: number, prefix = "event"): OrchestratorEvent[] {
  return Array.from({ length: count }, (_, index) => exampleEvent("orchestra.error", `${prefix}-${index}`));
}

async function append(log: EventLog, events: readonly OrchestratorEvent[]): Promise<(Cursor | undefined)[]> {
  return [...(await log.append(events.map(encodeEvent)))];
}

function idsOf(records: readonly EventRecord[]): string[] {
  return records.map((record) => record.event.id);
}

/** What every EventLog must do; `create` makes an empty one with a history of its own for each test. */
export function describeEventLog(name: string, create: CreateEventLog): void {
  const withLog =
    (test: (log: EventLog) => Promise<void>, options: { capacity?: number } = {}) =>
    async () => {
      const log = await create(options);
      try {
        await test(log);
      } finally {
        await log.close();
      }
    };

  describe(`${name}, as an EventLog`, () => {
    describe("when empty", () => {
      it(
        "has nothing to read, and a place to read on from",
        withLog(async (log) => {
          const { oldest, latest } = await log.bounds();
          expect(oldest).toBeUndefined();
          expect(await log.read()).toMatchObject({ records: [], next: latest });
          expect((await log.read({ after: latest })).gap).toBeUndefined();
          await append(log, numbered(2));
          const page = await log.read({ after: latest });
          expect(idsOf(page.records)).toEqual(["event-0", "event-1"]);
          expect(page.gap).toBeUndefined();
        }),
      );

      it(
        "takes an empty batch",
        withLog(async (log) => expect(await append(log, [])).toEqual([])),
      );
    });

    describe("what was appended", () => {
      it(
        "can be read back at once: event, cursor and the same JSON",
        withLog(async (log) => {
          const batch = exampleEvents().map(encodeEvent);
          const cursors = await log.append(batch);
          const { records, gap, next } = await log.read();
          expect(gap).toBeUndefined();
          expect(records).toEqual(batch.map((unplaced, index) => ({ ...unplaced, cursor: cursors[index] })));
          expect(await log.bounds()).toEqual({ oldest: cursors[0], latest: cursors.at(-1) });
          expect(next).toBe(cursors.at(-1));
        }),
      );

      it(
        "has cursors of one epoch that rise, and fit in a header",
        withLog(async (log) => {
          const before = (await log.bounds()).latest;
          const cursors = [
            before,
            ...(await append(log, numbered(3, "a"))),
            ...(await append(log, numbered(3, "b"))),
          ];
          const parsed = cursors.map((cursor) => parseCursor(cursor as Cursor));
          expect(new Set(parsed.map((cursor) => cursor?.epoch)).size).toBe(1);
          for (const [index, cursor] of parsed.entries()) {
            expect(cursors[index]).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
            if (index > 0)
              expect(cursor?.sequence).toBeGreaterThan(parsed[index - 1]?.sequence ?? Number.NaN);
          }
        }),
      );

      it(
        "is held once by its id, in the same batch and later",
        withLog(async (log) => {
          const [a, b] = numbered(2) as [OrchestratorEvent, OrchestratorEvent];
          const first = await append(log, [a, a, b]);
          expect(first).toEqual([expect.any(String), undefined, expect.any(String)]);
          expect(await append(log, [b, a])).toEqual([undefined, undefined]);
          expect(idsOf((await log.read()).records)).toEqual([a.id, b.id]);
          expect((await log.bounds()).latest).toBe(first[2]);
        }),
      );

      it(
        "is kept character for character",
        withLog(async (log) => {
          const hostile = hostileEvents().map((event, index) => ({
            ...event,
            id: `${index}${HOSTILE_TEXT}`,
          }));
          const batch = hostile.map(encodeEvent);
          expect((await log.append(batch)).every((cursor) => cursor !== undefined)).toBe(true);
          const { records } = await log.read();
          expect(records.map((record) => record.json)).toEqual(batch.map((unplaced) => unplaced.json));
          expect(await append(log, hostile.slice(0, 3))).toEqual([undefined, undefined, undefined]);
        }),
      );
    });

    describe("reading", () => {
      it(
        "goes on page by page to the end, and then waits there",
        withLog(async (log) => {
          const cursors = await append(log, numbered(5));
          const first = await log.read({ limit: 2 });
          expect(idsOf(first.records)).toEqual(["event-0", "event-1"]);
          expect(first.next).toBe(cursors[1]);
          const rest = await log.read({ after: first.next, limit: 10 });
          expect(idsOf(rest.records)).toEqual(["event-2", "event-3", "event-4"]);
          expect(await log.read({ after: rest.next })).toMatchObject({ records: [], next: rest.next });
        }),
      );

      it(
        `gives ${DEFAULT_READ_LIMIT} records unless told otherwise`,
        withLog(async (log) => {
          await append(log, numbered(DEFAULT_READ_LIMIT + 1));
          expect((await log.read()).records).toHaveLength(DEFAULT_READ_LIMIT);
        }),
      );

      it(
        "leaves out what a filter does, and moves past it",
        withLog(async (log) => {
          await append(log, [exampleEvent("orchestra.job.created"), ...numbered(3)]);
          const page = await log.read({ filter: { types: ["orchestra.job.*"] } });
          expect(idsOf(page.records)).toEqual(["orchestra.job.created"]);
          expect(page.next).toBe((await log.bounds()).latest);
          const filter = { jobIds: ["0193f0a2-job"], workerIds: ["coder"], sessionIds: ["ses_42"] };
          expect(idsOf((await log.read({ filter })).records)).toEqual(["orchestra.job.created"]);
        }),
      );

      it(
        "refuses a filter for a type that there is not",
        withLog(async (log) => {
          const error = await errorFrom(async () => log.read({ filter: { types: ["nothing.*"] } }));
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT", path: "type" });
        }),
      );
    });

    describe("a cursor that cannot be continued from", () => {
      it(
        "is reported, and reading starts at the oldest record",
        withLog(async (log) => {
          const cursors = await append(log, numbered(3));
          const { epoch, sequence } = parseCursor(cursors[2] as Cursor) ?? { epoch: "", sequence: 0 };
          const gaps: [Cursor, string][] = [
            [`${epoch}-${sequence + 1}`, "future"],
            [`${epoch}-${Number.MAX_SAFE_INTEGER}`, "future"],
            [`${epoch}x-1`, "epoch"],
            ["otherepoch-1", "epoch"],
            ["", "malformed"],
            ["garbage", "malformed"],
            [`${epoch}-01`, "malformed"],
            [`${epoch}--1`, "malformed"],
            [`${epoch}-1\nid: 2`, "malformed"],
            [`${epoch}-99999999999999999999`, "malformed"],
          ];
          for (const [after, gap] of gaps) {
            const page = await log.read({ after, limit: 2 });
            expect([after, page.gap]).toEqual([after, gap]);
            expect(idsOf(page.records)).toEqual(["event-0", "event-1"]);
            expect(page.next).toBe(cursors[1]);
          }
        }),
      );

      it("is any of another log", async () => {
        const [a, b] = [await create({}), await create({})];
        await append(a, numbered(2));
        await append(b, numbered(2));
        const { latest } = await a.bounds();
        expect((await b.read({ after: latest })).gap).toBe("epoch");
        await Promise.all([a.close(), b.close()]);
      });
    });

    describe("a full log", () => {
      it(
        "keeps what it has room for, and lets the oldest go",
        withLog(
          async (log) => {
            const cursors = await append(log, numbered(10));
            expect((await log.read()).records).toHaveLength(10);
            const later = await append(log, numbered(7, "later"));
            const { records, gap } = await log.read();
            expect(gap).toBeUndefined();
            expect(records.length).toBeLessThanOrEqual(10);
            expect(records.length).toBeGreaterThanOrEqual(7);
            const all = [...cursors, ...later];
            expect(records.map((record) => record.cursor)).toEqual(all.slice(-records.length));
            expect(await log.bounds()).toEqual({ oldest: records[0]?.cursor, latest: later.at(-1) });
          },
          { capacity: 10 },
        ),
      );

      it(
        "says so to a reader who missed something, and only to that one",
        withLog(
          async (log) => {
            const before = (await log.bounds()).latest;
            const cursors = [before, ...(await append(log, numbered(9)))] as Cursor[];
            const { oldest } = await log.bounds();
            const oldestIndex = cursors.indexOf(oldest as Cursor);
            for (const [index, after] of cursors.entries()) {
              const page = await log.read({ after });
              expect([index, page.gap]).toEqual([index, index < oldestIndex - 1 ? "evicted" : undefined]);
              const start = Math.max(index + 1, oldestIndex);
              expect(page.records.map((record) => record.cursor)).toEqual(cursors.slice(start));
            }
          },
          { capacity: 4 },
        ),
      );

      it(
        "holds a batch larger than itself as far as it can",
        withLog(
          async (log) => {
            const cursors = await append(log, numbered(9));
            expect(cursors.every((cursor) => cursor !== undefined)).toBe(true);
            expect((await log.read()).records.at(-1)?.event.id).toBe("event-8");
          },
          { capacity: 1 },
        ),
      );
    });

    describe("closing", () => {
      it("may follow a flush, or another closing; appending afterwards is refused", async () => {
        const log = await create({});
        await append(log, numbered(1));
        await log.flush();
        await Promise.all([log.close(), log.close()]);
        await log.close();
        const error = await errorFrom(async () => log.append(numbered(1, "late").map(encodeEvent)));
        expect(error.code).toBe("CLOSED");
      });
    });

    describeReplay(create, fc.integer({ min: 1, max: 12 }));
  });
}
