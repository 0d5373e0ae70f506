import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createSseHub, RESYNC_EVENT } from "../../../exporters/sse.ts";
import { OLDEST } from "../../../src/event/cursor.ts";
import type { EventLog, EventPage } from "../../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";
import { createFeed, errorEvent, type Feed, range, settled } from "../../fixtures/sse-feed.ts";

/** Publishes the messages `from` to `to`, so that message n has the cursor `e-n`. */
function publishRange(feed: Feed, from: number, to: number): void {
  feed.publish(...range(from, to));
}

describe("a client with a cursor", () => {
  it("gets what came after it, then what comes live", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 5);
    const connection = feed.connect({ after: "e-2" });
    publishRange(feed, 6, 7);
    await settled();
    publishRange(feed, 8, 8);
    await settled();
    expect(connection.messages()).toEqual(range(3, 8));
    expect(feed.hub.stats()).toMatchObject({ delivered: 6, resyncs: 0 });
  });

  it("gets more than one page of the log, in chunks", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 3_000);
    const connection = feed.connect({ after: "e-0" });
    await settled();
    expect(connection.messages()).toEqual(range(1, 3_000));
    expect(connection.writes.length).toBeLessThan(30);
  });

  it("gets large events in chunks of bounded size", async () => {
    const feed = createFeed();
    const messages = range(1, 300).map((message) => message.padEnd(2_000, "."));
    feed.publish(...messages);
    const connection = feed.connect({ after: "e-0" });
    await settled();
    expect(connection.messages()).toEqual(messages);
    expect(Math.max(...connection.writes.map(({ length }) => length))).toBeLessThan(68_000);
  });

  it("is not let in once its connection failed on the way", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 3);
    feed.connect({ after: "e-0" }, (connection) => {
      connection.isBroken = true;
    });
    await settled();
    expect(feed.hub.stats()).toMatchObject({ clients: 0, dropped: { write_failed: 1 } });
  });

  it("gets nothing twice when it has everything", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 5);
    const connection = feed.connect({ after: "e-5" });
    await settled();
    expect(connection.read()).toMatchObject({ events: [], ids: ["e-5"] });
  });

  it("shares the frames of live clients", async () => {
    const feed = createFeed();
    feed.connect();
    publishRange(feed, 1, 1);
    await settled();
    const written: Uint8Array[] = [];
    for (let count = 0; count < 2; count++) {
      const connection = new TestConnection();
      connection.write = (chunk) => {
        written.push(chunk);
        return true;
      };
      feed.hub.connect(connection, { after: "e-0" });
    }
    await settled();
    const frames = written.filter((chunk) => chunk.length > 20);
    expect(frames).toHaveLength(2);
    expect(frames[0]).toBe(frames[1]);
  });

  it("keeps its cursor young while its filter leaves out page after page", async () => {
    const pages: EventPage[] = [
      { records: [], next: "e-1000" },
      { records: [], next: "e-2000" },
    ];
    const log = readingFrom(createMemoryEventLog({ epoch: "e" }), () => {
      return pages.shift() ?? { records: [], next: "e-3000" };
    });
    const hub = createSseHub({
      now: () => 0,
      log: { ...log, bounds: () => ({ oldest: "e-1", latest: "e-3000" }) },
    });
    const connection = new TestConnection();
    hub.connect(connection, { after: "e-5", filter: hub.compile({ jobIds: ["none"] }) });
    await settled();
    expect(connection.read().ids).toEqual(["e-1000", "e-2000", "e-3000"]);
  });

  it("stops reading the log when it leaves", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 3_000);
    const connection = feed.connect({ after: "e-0" });
    connection.close();
    await settled();
    expect(connection.messages()).toEqual([]);
    expect(feed.hub.stats().clients).toBe(0);
  });

  it("is dropped when the log cannot be read, and may come back", async () => {
    const log = readingFrom(createMemoryEventLog(), () => {
      throw new Error("disk");
    });
    const hub = createSseHub({ log, now: () => 0 });
    const connection = new TestConnection();
    hub.connect(connection, { after: "e-0" });
    await settled();
    expect(connection.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ clients: 0, dropped: { log_failed: 1 } });
  });

  it("is not dropped twice when the log fails after it has left", async () => {
    const reading = Promise.withResolvers<EventPage>();
    const log = readingFrom(createMemoryEventLog(), () => reading.promise);
    const hub = createSseHub({ log, now: () => 0 });
    const connection = new TestConnection();
    hub.connect(connection, { after: "e-0" });
    connection.close();
    reading.reject(new Error("disk"));
    await settled();
    expect(hub.stats().dropped.log_failed).toBe(0);
  });
});

describe("a client that wants all from the beginning", () => {
  it("gets what the log holds, and is not told that anything is missing", async () => {
    const feed = createFeed({ memory: { capacity: 3 } });
    publishRange(feed, 1, 6);
    const connection = feed.connect({ after: OLDEST });
    await settled();
    publishRange(feed, 7, 7);
    await settled();
    expect(connection.messages()).toEqual(range(4, 7));
    expect(feed.hub.stats().resyncs).toBe(0);
  });

  it("is live at once when the log is empty", async () => {
    const feed = createFeed();
    const connection = feed.connect({ after: OLDEST });
    await settled();
    publishRange(feed, 1, 2);
    await settled();
    expect(connection.read()).toMatchObject({
      events: [{ id: "e-1" }, { id: "e-2" }],
      ids: ["e-0", "e-1", "e-2"],
    });
    expect(feed.hub.stats().resyncs).toBe(0);
  });
});

describe("a slow client that replays", () => {
  it("is read for only as fast as it takes", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 3_000);
    const connection = feed.connect({ after: "e-0" }, (stuck) => {
      stuck.isStuck = true;
    });
    await settled();
    let writes = 0;
    while (connection.messages().length < 3_000) {
      expect(connection.queuedBytes).toBeLessThan(80_000);
      expect(connection.writes.length).toBe(++writes);
      connection.drain();
      await settled();
    }
    expect(connection.messages()).toEqual(range(1, 3_000));
  });

  it("has little read for it in vain", async () => {
    const feed = createFeed();
    const message = "x".repeat(5_000);
    feed.publish(...range(1, 500).map(() => message));
    let read = 0;
    const log = readingFrom(feed.log, (options) => {
      const page = feed.log.read(options) as EventPage;
      read += page.records.length;
      return page;
    });
    const connection = new TestConnection();
    connection.isStuck = true;
    createSseHub({ log, now: () => 0 }).connect(connection, { after: "e-0" });
    await settled();
    while (connection.messages().length < 500) {
      connection.drain();
      await settled();
    }
    expect(read).toBeLessThan(500 * 3);
  });

  it("has few large events read for it at once, and many small ones", async () => {
    const mostOf = async (size: number) => {
      const feed = createFeed();
      feed.publish(...range(1, 2_000).map(() => "x".repeat(size)));
      const limits: number[] = [];
      const log = readingFrom(feed.log, (options) => {
        limits.push(options?.limit as number);
        return feed.log.read(options);
      });
      const connection = new TestConnection();
      createSseHub({ log, now: () => 0 }).connect(connection, { after: "e-0" });
      while (connection.read().ids.at(-1) !== "e-2000") await settled();
      return [limits[0], Math.max(...limits.slice(1))];
    };
    expect(await mostOf(20_000)).toEqual([64, 52]);
    expect(await mostOf(10)).toEqual([64, 256]);
  });

  it("keeps nothing in memory that the log and the others have let go of", async () => {
    const feed = createFeed({ memory: { capacity: 300 }, maxStallMs: 600_000 });
    const quick = feed.connect();
    quick.write = () => true;
    const events: WeakRef<object>[] = [];
    const publish = (count: number) => {
      for (const { event } of feed.publish(...range(1, count))) events.push(new WeakRef(event));
    };
    publish(300);
    feed.connect({ after: "e-0" }, (stuck) => {
      stuck.isStuck = true;
    });
    await settled();
    for (let turn = 0; turn < 50; turn++) {
      publish(100);
      await settled();
    }
    collectGarbage();
    const held = events.map((event) => event.deref() !== undefined);
    expect(feed.hub.stats().clients).toBe(2);
    expect(held.slice(0, 3_000)).not.toContain(true);
    expect(held.slice(-300)).not.toContain(false);
  });

  it("is waited for at the end of what it missed, too, and then is live", async () => {
    const feed = createFeed();
    publishRange(feed, 1, 3);
    const connection = feed.connect({ after: "e-0" }, (stuck) => {
      stuck.isStuck = true;
    });
    await settled();
    publishRange(feed, 4, 6);
    await settled();
    expect(connection.messages()).toEqual(range(1, 3));
    connection.drain();
    await settled();
    expect(connection.messages()).toEqual(range(1, 6));
  });
});

describe("a burst larger than what may be queued", () => {
  it("is read from the log by clients that keep up, instead of dropping them", async () => {
    const feed = createFeed({ maxQueuedBytes: 10_000 });
    const connection = feed.connect();
    publishRange(feed, 1, 2);
    await settled();
    publishRange(feed, 3, 1_500);
    await settled();
    publishRange(feed, 1_501, 1_502);
    await settled();
    expect(connection.messages()).toEqual(range(1, 1_502));
    expect(feed.hub.stats().dropped.slow_bytes).toBe(0);
  });

  it("goes out whole while it is not known where the log began", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const hub = createSseHub({
      now: () => 0,
      log: { ...readingFrom(memory, (options) => memory.read(options)), bounds: () => new Promise(() => {}) },
      maxQueuedBytes: 10,
    });
    const connection = new TestConnection();
    hub.connect(connection);
    hub.onEvent({ ...errorEvent("1"), cursor: "e-1" });
    await settled();
    expect(connection.messages()).toEqual(["1"]);
  });
});

describe("a cursor that cannot be continued from", () => {
  const cases = [
    { reason: "malformed", after: "1\nevent: pwn" },
    { reason: "epoch", after: "other-3" },
    { reason: "future", after: "e-99" },
    { reason: "evicted", after: "e-1" },
  ];

  it.each(cases)(
    "($reason) is answered with a resync first, then what is left",
    async ({ reason, after }) => {
      const feed = createFeed({ memory: { capacity: 3 } });
      publishRange(feed, 1, 6);
      const connection = feed.connect({ after });
      await settled();
      publishRange(feed, 7, 7);
      await settled();
      const { events } = connection.read();
      expect(events[0]).toMatchObject({ id: undefined, event: RESYNC_EVENT });
      expect(JSON.parse(events[0]?.data as string)).toEqual({
        reason,
        requested: after,
        oldest: "e-4",
        latest: "e-6",
      });
      expect(connection.messages()).toEqual(range(4, 7));
      expect(feed.hub.stats().resyncs).toBe(1);
    },
  );

  it("on an empty log leaves the client with the log's cursor", async () => {
    const feed = createFeed();
    const connection = feed.connect({ after: "old-7" });
    await settled();
    const { events, ids } = connection.read();
    expect(JSON.parse(events[0]?.data as string)).toEqual({
      reason: "epoch",
      requested: "old-7",
      oldest: null,
      latest: "e-0",
    });
    expect(ids).toEqual(["e-0"]);
  });

  it("comes up, too, when the log forgets what a slow client had still to read", async () => {
    const feed = createFeed({ memory: { capacity: 600 } });
    publishRange(feed, 1, 600);
    const connection = feed.connect({ after: "e-0" }, (stuck) => {
      stuck.isStuck = true;
    });
    await settled();
    publishRange(feed, 601, 1_200);
    connection.isStuck = false;
    connection.drain();
    await settled();
    expect(connection.messages()).toEqual([...range(1, 64), ...range(601, 1_200)]);
    expect(connection.read().events.filter(({ event }) => event === RESYNC_EVENT)).toHaveLength(1);
  });
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

function readingFrom(log: EventLog, read: EventLog["read"]): EventLog {
  return {
    append: (batch) => log.append(batch),
    read,
    bounds: () => log.bounds(),
    flush: () => log.flush(),
    close: () => log.close(),
  };
}
