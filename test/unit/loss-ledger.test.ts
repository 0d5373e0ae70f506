import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventPublisher } from "../../src/event/publisher.ts";
import { createSqliteEventLog } from "../../src/event-log/sqlite.ts";
import { type LedgerAccount, lossLedger } from "../../src/loss-ledger.ts";
import type { TelemetryStats } from "../../src/telemetry-stats.ts";
import { exampleEvent } from "../fixtures/event-examples.ts";
import { createFaultyStore } from "../fixtures/faulty-store.ts";
import { openTestStore } from "../fixtures/sqlite-logs.ts";

const count = fc.nat({ max: 1_000_000 });

const sum = (counts: object) => Object.values(counts).reduce<number>((total, value) => total + value, 0);

/** Stats of a publisher that has kept its books. */
const events = fc
  .record({
    appended: count,
    duplicates: count,
    pending: count,
    dropped: fc.record({ queue_full: count, append_failed: count, not_encodable: count, closed: count }),
  })
  .map(({ appended, duplicates, pending, dropped }) => ({
    made: appended + duplicates + pending + sum(dropped),
    appended,
    duplicates,
    foreign: 7,
    pending,
    dropped,
    handlers: { delivered: 1, failed: 0 },
    sinks: { own: { delivered: 2, failed: 1 } },
  }));

const drops = { over_limit: count, rejected: count, partial_rejected: count, vanished: count };

/** Stats of an outbox that has kept its books. */
const spans = fc
  .record({
    exported: count,
    pending: count,
    dropped: fc.record({ ...drops, disk_error: count, invalid: count, closed: count, shutdown: count }),
    inherited: fc.record({ exported: count, pending: count, dropped: fc.record(drops) }),
  })
  .map(({ exported, pending, dropped, inherited }) => ({
    ended: exported + pending + sum(dropped),
    exported,
    pending,
    dropped,
    inherited: {
      found: inherited.exported + inherited.pending + sum(inherited.dropped),
      ...inherited,
    },
  }));

const stats = fc
  .record({
    events,
    spans: fc.option(spans, { nil: undefined }),
    log: fc.option(fc.record({ waiting: count, lostToDisk: count }), { nil: undefined }),
    droppedBeforeStart: count,
  })
  .map((parts) => parts as unknown as TelemetryStats);

function accountsOf(given: TelemetryStats): LedgerAccount[] {
  const { events, spans } = lossLedger(given);
  return [events, ...(spans ? [spans, spans.inherited] : [])];
}

describe("the loss ledger", () => {
  it("balances whatever the numbers are, and none is below zero", () => {
    fc.assert(
      fc.property(stats, (given) => {
        for (const { made, delivered, queued, dropped, balance } of accountsOf(given)) {
          expect(balance).toBe(0);
          expect(delivered + queued + sum(dropped)).toBe(made);
          expect(Math.min(delivered, queued, ...Object.values(dropped))).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("shows by how much the books are wrong", () => {
    fc.assert(
      fc.property(stats, fc.integer({ min: -50, max: 50 }), (given, error) => {
        const wrong = { ...given, events: { ...given.events, made: given.events.made + error } };
        expect(lossLedger(wrong).events.balance).toBe(error);
        if (given.spans === undefined) return;
        const { inherited } = given.spans;
        const wrongSpans = {
          ...given.spans,
          ended: given.spans.ended + error,
          inherited: { ...inherited, found: inherited.found - error },
        };
        const ledger = lossLedger({ ...given, spans: wrongSpans }).spans;
        expect([ledger?.balance, ledger?.inherited.balance]).toEqual([error, 0 - error]);
      }),
    );
  });

  it("has every reason for which something was dropped, and what each sink was shown", () => {
    const [given] = fc.sample(
      stats.filter(({ spans }) => spans !== undefined),
      1,
    ) as [TelemetryStats];
    const { events, spans } = lossLedger(given);
    expect(events.dropped).toMatchObject({
      ...given.events.dropped,
      before_start: given.droppedBeforeStart,
    });
    expect(spans?.dropped).toEqual(given.spans?.dropped);
    expect(spans?.inherited.dropped).toEqual(given.spans?.inherited.dropped);
    expect(events).toMatchObject({ sinks: given.events.sinks, handlers: given.events.handlers });
  });

  it("counts as delivered what the file holds, while it fails, when it is full and after it", async () => {
    const store = createFaultyStore(await openTestStore());
    const log = createSqliteEventLog({ store, maxWaiting: 3 });
    const publisher = new EventPublisher({ log });
    const publish = async (...ids: string[]) => {
      for (const id of ids) publisher.publish(exampleEvent("orchestra.error", id));
      await publisher.flush().catch(() => {});
    };
    const ledger = () => {
      const given = { events: publisher.stats(), log: log.stats(), droppedBeforeStart: 0 };
      return lossLedger(given as unknown as TelemetryStats).events;
    };
    const held = () => Number(store.prepare("SELECT count(*) AS held FROM events").get()?.held);

    await publish("1", "2", "1");
    expect(ledger()).toMatchObject({ made: 3, delivered: 3, duplicates: 1, queued: 0, balance: 0 });
    store.fault = /INSERT INTO events/;
    await publish("3", "4", "5", "6", "7");
    expect(ledger()).toMatchObject({
      made: 8,
      delivered: 3,
      queued: 3,
      dropped: { lost_to_disk: 2 },
      balance: 0,
    });
    store.fault = undefined;
    await publisher.flush();
    expect(ledger()).toMatchObject({ delivered: 6, queued: 0, dropped: { lost_to_disk: 2 }, balance: 0 });
    expect(held()).toBe(ledger().delivered - ledger().duplicates);
    await publisher.shutdown();
  });
});
