import { describe, expect, it } from "vitest";
import { createOutboxRig, expectBalance, openReceiver, receivedNames } from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

/** In bytes, of chunks with one span of these tests each. */
const ROOM_FOR_FIVE = 2_000;

describe("the limit of bytes on disk", () => {
  it("drops the oldest spans and counts them", async () => {
    const receiver = await openReceiver();
    const { outbox, endApart } = await createOutboxRig({ url: receiver.url, maxBytes: ROOM_FOR_FIVE });
    endApart(20);
    const { bytes, pending, dropped } = outbox.stats();
    expect(bytes).toBeLessThanOrEqual(ROOM_FOR_FIVE);
    expect(pending).toBeGreaterThan(2);
    expect(dropped.over_limit).toBe(20 - pending);
    expectBalance(outbox);
    await outbox.forceFlush();
    const newest = Array.from({ length: pending }, (_, index) => `${20 - pending + index}`);
    expect(receivedNames(receiver)).toEqual(newest.sort());
    expect(outbox.stats().bytes).toBe(0);
  });

  it("spares what is on its way", async () => {
    const receiver = await openReceiver();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { outbox, endApart } = await createOutboxRig({ url: receiver.url, maxBytes: ROOM_FOR_FIVE });
    endApart(2);
    receiver.script({ status: 200, after: promise });
    const flushed = outbox.forceFlush();
    await receiver.until(() => receiver.requests.length === 1);
    endApart(20);
    resolve();
    await flushed;
    expect(outbox.stats().exported).toBe(2);
    expectBalance(outbox);
    await outbox.forceFlush();
    expect(receivedNames(receiver).slice(0, 2)).toEqual(["0", "1"]);
    expectBalance(outbox);
  });

  it("drops what an earlier process left before anything newer", async () => {
    const store = await openTestStore();
    const url = "http://127.0.0.1:1";
    const earlier = await createOutboxRig({ url, store });
    earlier.endApart(4);
    await earlier.outbox.shutdown();
    const { outbox, endApart, warned } = await createOutboxRig({ url, store, maxBytes: ROOM_FOR_FIVE });
    // Until that fails, they are on their way.
    await warned;
    endApart(4);
    const { inherited, dropped } = outbox.stats();
    expect(inherited.dropped.over_limit).toBeGreaterThan(0);
    expect(inherited).toMatchObject({ found: 4, pending: 4 - inherited.dropped.over_limit });
    expect(dropped.over_limit).toBe(0);
    expectBalance(outbox);
  });

  it("leaves the spans of a live process alone, and drops our newest when they fill it", async () => {
    const store = await openTestStore();
    const url = "http://127.0.0.1:1";
    const other = await createOutboxRig({ url, store });
    other.endApart(6);
    const { outbox, endApart } = await createOutboxRig({ url, store, maxBytes: 500 });
    endApart(3);
    expect(outbox.stats()).toMatchObject({ ended: 3, pending: 0, dropped: { over_limit: 3 } });
    expect(other.outbox.stats()).toMatchObject({ ended: 6, pending: 6, dropped: { over_limit: 0 } });
  });

  it("drops all there is, and a span that is too large for it", async () => {
    const { outbox, endApart, start, time } = await createOutboxRig({
      url: "http://127.0.0.1:1",
      maxBytes: ROOM_FOR_FIVE,
    });
    endApart(3);
    start("huge").setAttribute("text", "x".repeat(ROOM_FOR_FIVE)).end();
    time.advance(10);
    expect(outbox.stats()).toMatchObject({ pending: 0, bytes: 0, dropped: { over_limit: 4 } });
    expectBalance(outbox);
  });

  it("is kept with a great many small chunks, too", async () => {
    const { outbox, start, time, end } = await createOutboxRig({
      url: "http://127.0.0.1:1",
      maxBytes: 40_000,
    });
    for (let i = 0; i < 110; i++) {
      end(1);
      time.advance(10);
    }
    start("large").setAttribute("text", "x".repeat(39_400)).end();
    time.advance(10);
    expect(outbox.stats()).toMatchObject({ pending: 1, dropped: { over_limit: 110 } });
    expect(outbox.stats().bytes).toBeLessThanOrEqual(40_000);
    expectBalance(outbox);
  });
});
