import { describe, expect, it } from "vitest";
import { createSseHub } from "../../../exporters/sse.ts";
import type { EventLog, ReadOptions } from "../../../src/event/event-log.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";
import { createFeed, errorEvent, range, settled } from "../../fixtures/sse-feed.ts";

/** `count` events in a log that counts how often it is read, and how many reads are under way. */
function createCountingLog(count: number) {
  const feed = createFeed();
  feed.publish(...range(1, count));
  const reads = { total: 0, underWay: 0, mostAtOnce: 0 };
  const log: EventLog = {
    append: (batch) => feed.log.append(batch),
    read: async (options?: ReadOptions) => {
      reads.total++;
      reads.mostAtOnce = Math.max(reads.mostAtOnce, ++reads.underWay);
      await nextTurn();
      reads.underWay--;
      return feed.log.read(options);
    },
    bounds: () => feed.log.bounds(),
    flush: () => feed.log.flush(),
    close: () => feed.log.close(),
  };
  return { log, reads };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

const gotAll = (connection: TestConnection, last: string) => connection.messages().at(-1) === last;

describe("a thousand clients that come back at once", () => {
  it("share what is read for them, and each gets exactly what it missed", async () => {
    const { log, reads } = createCountingLog(1_600);
    const hub = createSseHub({ log, now: () => 0 });
    const clients = range(0, 999).map((back) => {
      const connection = new TestConnection();
      const after = 1_000 + (Number(back) % 50);
      hub.connect(connection, { after: `e-${after}` });
      return { connection, after };
    });
    const missed = clients.reduce((sum, { after }) => sum + 1_600 - after, 0);
    await until(() => hub.stats().delivered === missed);
    await settled();
    // One of each cursor, as reading takes its time.
    const some = clients.slice(-50);
    for (const { connection, after } of some) {
      expect(connection.messages()).toEqual(range(after + 1, 1_600));
    }
    expect(reads.total).toBeLessThan(30);
    expect(reads.mostAtOnce).toBe(4);
    hub.onEvent({ ...errorEvent("live"), cursor: "e-1601" });
    await settled();
    expect(hub.stats().delivered).toBe(missed + 1_000);
    for (const { connection } of some) expect(connection.messages().at(-1)).toBe("live");
  });

  it("do not share between filters", async () => {
    const feed = createFeed();
    feed.publish(errorEvent("1", "a"), errorEvent("2", "b"), errorEvent("3", "a"));
    const [a, b] = ["a", "b"].map((workerId) =>
      feed.connect({ after: "e-0", filter: feed.hub.compile({ workerIds: [workerId] }) }),
    );
    await settled();
    expect([a?.messages(), b?.messages()]).toEqual([["1", "3"], ["2"]]);
  });
});

describe("reads of the log that never answer", () => {
  it("cost their clients the connection, and nobody else a place", async () => {
    const feed = createFeed();
    feed.publish(...range(1, 10));
    let hanging = 4;
    const log: EventLog = {
      append: (batch) => feed.log.append(batch),
      read: (options) => (hanging-- > 0 ? new Promise(() => {}) : feed.log.read(options)),
      bounds: () => feed.log.bounds(),
      flush: () => feed.log.flush(),
      close: () => feed.log.close(),
    };
    const hub = createSseHub({ log, now: () => 0, maxReadMs: 10 });
    const connections = range(1, 6).map(() => new TestConnection());
    for (const connection of connections) hub.connect(connection, { after: "e-0" });
    await until(() => gotAll(connections[5] as TestConnection, "10"));
    expect(connections.map(({ state }) => state)).toEqual([...Array(4).fill("destroyed"), "open", "open"]);
    expect(connections[4]?.messages()).toEqual(range(1, 10));
    expect(hub.stats()).toMatchObject({ clients: 2, dropped: { log_failed: 4 } });
  });

  it("tell nobody anything when they answer too late", async () => {
    const feed = createFeed();
    feed.publish(...range(1, 10));
    let answer = () => {};
    const log: EventLog = {
      append: (batch) => feed.log.append(batch),
      read: (options) =>
        new Promise((resolve) => {
          answer = () => resolve(feed.log.read(options));
        }),
      bounds: () => feed.log.bounds(),
      flush: () => feed.log.flush(),
      close: () => feed.log.close(),
    };
    const hub = createSseHub({ log, now: () => 0, maxReadMs: 10 });
    const connection = new TestConnection();
    hub.connect(connection, { after: "other-1" });
    await until(() => connection.state === "destroyed");
    answer();
    await settled();
    expect(connection.writes).toEqual([]);
    expect(hub.stats()).toMatchObject({ delivered: 0, resyncs: 0, dropped: { log_failed: 1 } });
  });
});

describe("while clients replay", () => {
  it("live ones get their events between any two pages", async () => {
    const feed = createFeed();
    feed.publish(...range(1, 5_000));
    const live = feed.connect();
    const behind = range(1, 20).map(() => feed.connect({ after: "e-0" }));
    let seen = 0;
    while (feed.hub.stats().delivered < 20 * 5_000) {
      feed.publish(String(5_001 + seen++));
      await nextTurn();
      expect(live.messages()).toHaveLength(seen);
    }
    expect(seen).toBeGreaterThan(50);
    await settled();
    for (const connection of behind) expect(connection.messages()).toEqual(range(1, 5_000 + seen));
  });

  it("a short replay does not wait for long ones to end", async () => {
    const feed = createFeed({ memory: { capacity: 100_000 } });
    feed.publish(...range(1, 20_000));
    const long = range(1, 8).map((n) => feed.connect({ after: `e-${n}` }));
    const short = feed.connect({ after: "e-19990" });
    await until(() => gotAll(short, "20000"));
    for (const connection of long) expect(connection.messages().length).toBeLessThan(5_000);
  });

  it("each turn of the event loop sends four pages of 256 at most", async () => {
    const feed = createFeed();
    feed.publish(...range(1, 5_000));
    for (let count = 0; count < 3; count++) feed.connect({ after: "e-0" });
    for (let before = 0; before < 15_000; before = feed.hub.stats().delivered) {
      await nextTurn();
      const sent = feed.hub.stats().delivered - before;
      expect(sent).toBeLessThanOrEqual(before === 0 ? 2 * 4 * 256 : 4 * 256);
    }
  });
});
