import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { departEvenly } from "../../../exporters/sse-departure.ts";
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

describe("departing evenly", () => {
  it("lets 5,000 leave in groups of about the same size, all by the end, with one timer", () => {
    const all = Array.from({ length: 5_000 }, (_, index) => index);
    const left: number[] = [];
    departEvenly(all, { spreadMs: 1_000, now, dismiss: (one) => left.push(one) });
    expect(vi.getTimerCount()).toBe(1);
    for (let step = 1; step <= 100; step++) {
      vi.advanceTimersByTime(10);
      expect(Math.abs(left.length - step * 50)).toBeLessThanOrEqual(1);
    }
    expect(left).toEqual(all);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("makes up for a busy event loop", () => {
    let time = 0;
    const left: string[] = [];
    departEvenly(["a", "b", "c", "d"], {
      spreadMs: 400,
      now: () => time,
      dismiss: (one) => left.push(one),
    });
    time = 250;
    vi.advanceTimersByTime(10);
    expect(left).toEqual(["a", "b", "c"]);
    time = 2_000;
    vi.advanceTimersByTime(10);
    expect(left).toEqual(["a", "b", "c", "d"]);
  });

  it("lets the rest stay when it is stopped", () => {
    const left: string[] = [];
    const stop = departEvenly(["a", "b"], { spreadMs: 20, now, dismiss: (one) => left.push(one) });
    vi.advanceTimersByTime(10);
    stop();
    vi.advanceTimersByTime(100);
    expect(left).toEqual(["a"]);
  });
});

describe("the shutdown of a hub with 5,000 clients", () => {
  it("is spread over half of the time there is, each client with a time of its own to come back", async () => {
    let drawn = 0;
    const { hub, connect } = createFeed({
      maxClients: 5_000,
      maxLifetimeMs: 0,
      random: () => (drawn++ % 5_000) / 5_000,
      now,
    });
    const connections = Array.from({ length: 5_000 }, () => connect());
    const done = hub.shutdown({ deadlineMs: 2_000 });
    vi.advanceTimersByTime(500);
    expect(hub.stats().clients).toBe(2_500);
    vi.advanceTimersByTime(500);
    await done;
    expect(hub.stats()).toMatchObject({ clients: 0, ended: { shutdown: 5_000 } });
    expect(hub.stats().dropped.shutdown_deadline).toBe(0);
    const retries = connections.flatMap((connection) => connection.read().retries);
    expect(new Set(retries).size).toBe(4_000);
    expect([Math.min(...retries), Math.max(...retries)]).toEqual([1_000, 4_999]);
  });

  it("is over at the deadline, whoever is left", async () => {
    const { hub, connect } = createFeed({ now });
    const stuck = connect();
    stuck.isStuck = true;
    const done = hub.shutdown({ deadlineMs: 100 });
    vi.advanceTimersByTime(99);
    expect([stuck.state, hub.stats().clients]).toEqual(["ended", 1]);
    vi.advanceTimersByTime(1);
    await done;
    expect(stuck.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ ended: { shutdown: 0 }, dropped: { shutdown_deadline: 1 } });
  });
});
