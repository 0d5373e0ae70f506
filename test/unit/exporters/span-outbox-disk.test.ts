import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import type { SpanOutboxOptions } from "../../../exporters/span-outbox.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

async function setUp(options: Partial<SpanOutboxOptions> = {}) {
  const receiver = await openReceiver();
  const store = createFaultyStore(await openTestStore());
  store.exec("CREATE TABLE event (id INTEGER PRIMARY KEY)");
  const insert = store.prepare("INSERT INTO event DEFAULT VALUES");
  const count = (sql: string) => Number(store.prepare(sql).get()?.count);
  const rig = await createOutboxRig({ url: receiver.url, store, ...options });
  return {
    ...rig,
    receiver,
    store,
    /** A transaction of somebody else. */
    commitEvent: (fail = () => {}) =>
      store.transaction(() => {
        insert.run();
        fail();
      }),
    stored: () => ({
      events: count("SELECT count(*) AS count FROM event"),
      spans: count("SELECT coalesce(sum(spans), 0) AS count FROM span_chunk"),
    }),
  };
}

const fail = () => {
  throw new Error("no");
};

describe("a transaction of somebody else", () => {
  it("takes along the spans that ended before", async () => {
    const { end, commitEvent, stored } = await setUp();
    end(300);
    expect(stored()).toEqual({ events: 0, spans: 0 });
    commitEvent();
    expect(stored()).toEqual({ events: 1, spans: 300 });
  });

  it("that is not kept keeps no span, and loses none", async () => {
    const { outbox, end, commitEvent, stored, receiver, time } = await setUp();
    end(3);
    expect(() => commitEvent(fail)).toThrow("no");
    const stop = outbox.stats();
    expect(stop).toMatchObject({ ended: 3, pending: 3 });
    expect(stored()).toEqual({ events: 0, spans: 0 });
    end(1);
    time.advance(10);
    expect(stored()).toEqual({ events: 0, spans: 4 });
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(4));
    expectBalance(outbox);
  });

  it("undone after the spans were written undoes them, too", async () => {
    const { store, outbox, end, commitEvent, stored, time } = await setUp();
    const stop = store.onCommit(fail);
    end(3);
    expect(() => commitEvent()).toThrow("no");
    expect(stored()).toEqual({ events: 0, spans: 0 });
    expect(outbox.stats()).toMatchObject({ pending: 3, dropped: { disk_error: 0 } });
    stop();
    time.advance(10);
    expect(stored()).toEqual({ events: 0, spans: 3 });
  });

  it("does not fail because the spans cannot be written", async () => {
    const { store, outbox, end, commitEvent, stored, warnings } = await setUp();
    store.fault = /INSERT INTO span_chunk/;
    end(3);
    commitEvent();
    expect(stored()).toEqual({ events: 1, spans: 0 });
    expect(outbox.stats()).toMatchObject({ pending: 3, bytes: 0, lastError: "database or disk is full" });
    expect(warnings).toEqual([
      `Spans cannot be stored in ${store.file}: database or disk is full. They stay in memory until they can.`,
    ]);
  });

  it("may be one in which a span ends, many times over", async () => {
    const { store, outbox, end, receiver } = await setUp();
    store.transaction(() => end(1_500));
    expect(outbox.stats()).toMatchObject({ ended: 1_500, pending: 1_500, dropped: { disk_error: 0 } });
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(1_500));
  });
});

describe("a file that somebody keeps locked", () => {
  async function setUpLocked() {
    const rig = await setUp();
    const { store } = rig;
    const { transaction } = store;
    let attempts = 0;
    store.transaction = (work) => {
      attempts++;
      return transaction(work);
    };
    return { ...rig, attempts: () => attempts };
  }

  it("is tried once a second, and takes all when the lock goes", async () => {
    const { store, outbox, end, receiver, time, warnings, attempts } = await setUpLocked();
    store.fault = /BEGIN/;
    for (let second = 0; second < 60; second++) {
      end(30);
      await outbox.forceFlush();
      time.advance(1_000);
    }
    // With the looks after other processes, every ten seconds, and the first attempt.
    expect(attempts()).toBeLessThanOrEqual(60 + 6 + 1);
    expect(outbox.stats()).toMatchObject({ ended: 1_800, pending: 1_800, bytes: 0, attempts: 0 });
    expect(warnings).toHaveLength(1);
    store.fault = undefined;
    time.advance(1_000);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(1_800));
    expect(expectBalance(outbox)).toBe(0);
  });

  it("is sent from all the same, and loses what was sent as soon as the lock goes", async () => {
    const { store, outbox, end, receiver, time, stored } = await setUpLocked();
    end(3);
    time.advance(10);
    store.fault = /BEGIN/;
    await outbox.forceFlush();
    time.advance(5_000);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 3, pending: 0 });
    expect([stored().spans, receiver.requests.length]).toEqual([3, 1]);
    store.fault = undefined;
    time.advance(1_000);
    expect([stored().spans, receiver.requests.length]).toEqual([0, 1]);
  });
});

describe("a disk that fails", () => {
  it.each([/BEGIN/, /INSERT INTO span_chunk/, /SAVEPOINT|ROLLBACK TO/, /INSERT INTO span_queue/])(
    "at %s loses nothing, and is left alone for a while",
    async (fault) => {
      const { store, outbox, end, receiver, time, warnings, stored } = await setUp();
      store.fault = fault;
      end(3);
      time.advance(10);
      end(2);
      time.advance(1_000);
      expect(outbox.stats()).toMatchObject({ ended: 5, pending: 5, bytes: 0 });
      expect(warnings).toHaveLength(1);
      store.fault = undefined;
      time.advance(999);
      expect(stored().spans).toBe(0);
      time.advance(1);
      expect(stored().spans).toBe(5);
      await outbox.forceFlush();
      expect(receivedNames(receiver)).toEqual(names(5));
    },
  );

  it("is told of once, and again only after it had worked", async () => {
    const { store, end, time, warnings } = await setUp();
    for (const fault of [/BEGIN/, /BEGIN/, undefined, /BEGIN/]) {
      store.fault = fault;
      end(1);
      time.advance(1_000);
    }
    expect(warnings).toHaveLength(2);
  });

  it("costs the oldest spans once memory holds too many", async () => {
    const { store, outbox, end, receiver, time } = await setUp({ maxUnsavedSpans: 130 });
    store.fault = /BEGIN/;
    end(100);
    time.advance(10);
    end(100);
    expect(outbox.stats()).toMatchObject({ ended: 200, pending: 130, dropped: { disk_error: 70 } });
    store.fault = undefined;
    time.advance(1_000);
    await outbox.forceFlush();
    expect(outbox.stats().exported).toBe(130);
    expect(expectBalance(outbox)).toBe(70);
    expect(receiver.spans.map(({ name }) => Number(name)).sort((a, b) => a - b)[0]).toBe(70);
  });

  it("costs whole chunks once they are encoded", async () => {
    const { store, outbox, end, time } = await setUp({ maxUnsavedSpans: 100 });
    store.fault = /span_chunk/;
    end(100);
    time.advance(10);
    end(1);
    expect(outbox.stats()).toMatchObject({ ended: 101, pending: 37, dropped: { disk_error: 64 } });
    expectBalance(outbox);
  });

  it("costs spans that wait for their resource, too", async () => {
    const { outbox } = await setUp({ maxUnsavedSpans: 3 });
    const resource = resourceFromAttributes({ "host.id": new Promise(() => {}) });
    const tracer = new TracerProvider({ resource, spanProcessors: [outbox] }).getTracer("test");
    for (let i = 0; i < 5; i++) tracer.startSpan("early").end();
    expect(outbox.stats()).toMatchObject({ ended: 5, pending: 3, dropped: { disk_error: 2 } });
  });

  it("does not have a batch sent again that stands in the way of others", async () => {
    const { store, outbox, end, time, receiver, warned } = await setUp({ concurrency: 2, maxBatchSpans: 64 });
    store.fault = /DELETE/;
    receiver.script({ status: 503 }, { status: 200 });
    end(192);
    time.advance(10);
    await warned;
    await receiver.until(() => receiver.spans.length === 64);
    await outbox.forceFlush();
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 128, pending: 64 });
    store.fault = undefined;
    time.advance(1_000);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(192));
    expect(outbox.stats()).toMatchObject({ exported: 192, bytes: 0 });
  });

  it("has taken what it took, and sends it once more only after a crash", async () => {
    const { store, outbox, end, receiver, time } = await setUp();
    end(3);
    time.advance(10);
    store.fault = /DELETE/;
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 3, pending: 0 });
    expect(outbox.stats().bytes).toBeGreaterThan(0);
    end(2);
    time.advance(1_000);
    await outbox.forceFlush();
    store.fault = undefined;
    time.advance(1_000);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 5, pending: 0, bytes: 0 });
    expect(receivedNames(receiver)).toEqual(names(5));
  });

  it.each([/SELECT id, protocol/, /SELECT body/])("at reading (%s) delays what is on it", async (fault) => {
    const { store, outbox, end, receiver, warnings, time } = await setUp();
    store.fault = fault;
    end(3);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 3, lastError: "database or disk is full" });
    expect(warnings).toHaveLength(1);
    store.fault = undefined;
    time.advance(500);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(3));
  });

  it("is still counted at the end, with what it did not take", async () => {
    const { store, outbox, end } = await setUp();
    end(2);
    store.fault = /./;
    await outbox.shutdown();
    expect(outbox.stats()).toMatchObject({ ended: 2, pending: 0, dropped: { disk_error: 2 } });
  });

  it("may throw anything", async () => {
    const { store, outbox, end, time } = await setUp();
    const stop = store.onCommit(() => {
      throw "locked";
    });
    end(1);
    time.advance(10);
    expect(outbox.stats()).toMatchObject({ pending: 1, lastError: "locked" });
    stop();
  });
});
