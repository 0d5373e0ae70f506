import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LATER_EVENT } from "../../../exporters/sse.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";
import { createFeed } from "../../fixtures/sse-feed.ts";

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const now = () => performance.now();
const HOUR_MS = 3_600_000;

/** Drawn in this order, over and over. */
function drawing(...fractions: number[]): () => number {
  let drawn = 0;
  return () => fractions[drawn++ % fractions.length] as number;
}

describe("a connection", () => {
  it("is ended at an age of its own, and told to come back soon", () => {
    const { hub, connect } = createFeed({ maxLifetimeMs: 80_000, random: drawing(0, 0.5, 0.9), now });
    const [first, second, third] = [connect(), connect(), connect()];
    vi.advanceTimersByTime(60_000);
    expect([first, second, third].map(({ state }) => state)).toEqual(["open", "open", "open"]);
    vi.advanceTimersByTime(15_000);
    expect([first, second, third].map(({ state }) => state)).toEqual(["open", "ended", "ended"]);
    vi.advanceTimersByTime(15_000);
    expect(first.state).toBe("ended");
    for (const { retries } of [first.read(), second.read(), third.read()]) {
      expect(retries).toHaveLength(1);
      expect(retries[0]).toBeGreaterThanOrEqual(100);
      expect(retries[0]).toBeLessThan(1_000);
    }
    expect(hub.stats()).toMatchObject({ clients: 0, connected: 3, ended: { lifetime: 3, left: 0 } });
    expect(Object.values(hub.stats().dropped)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("has got everything by then, and its cursor", () => {
    const { publish, connect } = createFeed({ maxLifetimeMs: 15_000, random: () => 0.5, now });
    const connection = connect();
    publish("last");
    vi.advanceTimersByTime(15_000);
    expect(connection.messages()).toEqual(["last"]);
    expect(connection.read().ids.at(-1)).toBe("e-1");
    expect(connection.state).toBe("ended");
  });

  it("lives between three quarters of an hour and one by default", () => {
    const { connect } = createFeed({ random: drawing(0, 0.999_999), now });
    const [longest, shortest] = [connect(), connect()];
    vi.advanceTimersByTime((HOUR_MS * 3) / 4);
    expect([longest.state, shortest.state]).toEqual(["open", "open"]);
    vi.advanceTimersByTime(15_000);
    expect([longest.state, shortest.state]).toEqual(["open", "ended"]);
    vi.advanceTimersByTime(HOUR_MS / 4);
    expect(longest.state).toBe("ended");
  });

  it("lives on for ever when that is wanted", () => {
    const { connect } = createFeed({ maxLifetimeMs: 0, now });
    const connection = connect();
    vi.advanceTimersByTime(HOUR_MS * 100);
    expect(connection.state).toBe("open");
  });

  it("that stalls at that age is left to the rules for slow clients", () => {
    const { hub, connect } = createFeed({ maxLifetimeMs: 15_000, maxStallMs: 20_000, now });
    const connection = connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    vi.advanceTimersByTime(15_000);
    expect(connection.state).toBe("open");
    vi.advanceTimersByTime(5_000);
    expect(hub.stats()).toMatchObject({ ended: { lifetime: 0 }, dropped: { slow_time: 1 } });
  });

  it("that was ended and does not close in time is cut off", () => {
    const { hub } = createFeed({ maxStallMs: 2_000, now });
    const connection = new TestConnection();
    connection.end = () => {};
    const disconnect = hub.connect(connection);
    disconnect();
    vi.advanceTimersByTime(1_999);
    expect(connection.state).toBe("open");
    vi.advanceTimersByTime(1);
    expect(connection.state).toBe("destroyed");
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("the ledger of connections", () => {
  it("that takes all and does not close is cut off, too", () => {
    const { hub } = createFeed({ maxStallMs: 1_000 });
    const connection = new TestConnection();
    const disconnect = hub.connect(connection);
    connection.isStuck = true;
    disconnect();
    connection.drain();
    vi.advanceTimersByTime(1_000);
    expect(connection.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ clients: 0, dropped: { slow_time: 1 } });
  });

  it("tells of each how it ended: connected = open + ended + dropped", () => {
    const { hub, connect } = createFeed({ maxClients: 4, maxStallMs: 1_000, now });
    connect().close();
    hub.connect(new TestConnection())();
    connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    connect();
    connect();
    connect();
    connect();
    vi.advanceTimersByTime(1_000);
    const { clients, connected, ended, dropped } = hub.stats();
    expect(ended).toEqual({ left: 1, lifetime: 0, shutdown: 0, disconnected: 1 });
    expect(dropped).toMatchObject({ refused: 1, slow_time: 1 });
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
    expect(connected).toBe(clients + sum(ended) + sum(dropped) - dropped.refused);
  });
});

describe("a client that is not let in", () => {
  it("does not keep its connection by not closing it", () => {
    const { hub } = createFeed({ maxClients: 1, maxStallMs: 1_000 });
    hub.connect(new TestConnection());
    const [lingering, leaving] = [new TestConnection(), new TestConnection()];
    lingering.isStuck = true;
    const timers = vi.getTimerCount();
    hub.connect(lingering);
    hub.connect(leaving);
    expect([lingering.state, vi.getTimerCount()]).toEqual(["ended", timers + 1]);
    vi.advanceTimersByTime(1_000);
    expect([lingering.state, leaving.state]).toEqual(["destroyed", "ended"]);
  });

  it("is told why, and when to come back", async () => {
    const { hub, connect } = createFeed({ maxClients: 1, random: () => 0.5 });
    connect();
    const full = connect().read();
    void hub.shutdown();
    const closing = connect().read();
    const data = [full, closing].map(({ events }) => JSON.parse(events[0]?.data as string));
    expect(data).toEqual([
      { reason: "full", retryMs: 20_000 },
      { reason: "closing", retryMs: 3_000 },
    ]);
    expect([full, closing].map(({ events }) => events[0]?.event)).toEqual([LATER_EVENT, LATER_EVENT]);
    expect([full.ids, closing.ids]).toEqual([[], []]);
  });
});
