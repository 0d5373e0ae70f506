import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SsePace } from "../../../exporters/sse-pace.ts";
import { createFeed, range } from "../../fixtures/sse-feed.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A pace whose flushes take `cost` milliseconds each. */
function createPace(cost: number, maxDelayMs = 5) {
  const state = { time: 0, flushes: 0 };
  const flush = () => {
    state.flushes++;
    state.time += cost;
  };
  const pace = new SsePace({ flush, maxDelayMs, now: () => state.time });
  const pass = (ms: number) => {
    state.time += ms;
    vi.advanceTimersByTime(ms);
  };
  return { pace, pass, flushes: () => state.flushes };
}

/** Lets microtasks run, as the end of a tick does. */
const endOfTick = () => Promise.resolve();

describe("an idle pace", () => {
  it("flushes at the end of the tick, once however often it is asked", async () => {
    const { pace, flushes } = createPace(6);
    pace.request();
    pace.request();
    expect(flushes()).toBe(0);
    await endOfTick();
    expect(flushes()).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is idle again when the rest is over, so that rare events never wait", async () => {
    const { pace, pass, flushes } = createPace(6);
    for (const turn of [1, 2, 3]) {
      pace.request();
      await endOfTick();
      expect(flushes()).toBe(turn);
      pass(5);
    }
  });

  it("does not flush twice what was flushed by hand meanwhile", async () => {
    const { pace, flushes } = createPace(0);
    pace.request();
    pace.run();
    await endOfTick();
    expect(flushes()).toBe(1);
  });
});

describe("a pace under load", () => {
  it("rests for eight times what a flush took, and gathers meanwhile", async () => {
    const { pace, pass, flushes } = createPace(0.25);
    pace.request();
    await endOfTick();
    pace.request();
    await endOfTick();
    pass(1);
    pace.request();
    expect(flushes()).toBe(1);
    pass(1);
    expect(flushes()).toBe(2);
  });

  it("rests for five milliseconds at most", async () => {
    const { pace, pass, flushes } = createPace(50);
    pace.request();
    await endOfTick();
    pace.request();
    pass(4);
    expect(flushes()).toBe(1);
    pass(1);
    expect(flushes()).toBe(2);
  });

  it("does not rest after flushes that cost next to nothing, nor when told never to", async () => {
    for (const { pace, flushes } of [createPace(0.1), createPace(50, 0)]) {
      for (const turn of range(1, 5)) {
        pace.request();
        await endOfTick();
        expect(flushes()).toBe(Number(turn));
      }
    }
  });

  it("cuts the rest short once enough has gathered", async () => {
    const { pace, pass, flushes } = createPace(6);
    pace.request();
    await endOfTick();
    pace.request();
    pace.hurry();
    pace.hurry();
    await endOfTick();
    expect(flushes()).toBe(2);
    pass(100);
    expect(flushes()).toBe(2);
  });

  it("goes on resting after a flush by hand that had nothing to do", async () => {
    const costs = [6, 0, 6];
    let time = 0;
    const flush = () => {
      time += costs.shift() as number;
    };
    const pace = new SsePace({ flush, maxDelayMs: 5, now: () => time });
    pace.run();
    pace.run();
    pace.request();
    await endOfTick();
    expect(costs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("a hub under load", () => {
  /** A hub for which each look at the clock takes a millisecond, after it has been idle. */
  function createBusyFeed() {
    let time = 0;
    const feed = createFeed({ now: () => time++ });
    time += 1_000;
    return feed;
  }

  it("sends the first event at once, and joins those that follow it closely into one write", async () => {
    const { publish, connect } = createBusyFeed();
    const connection = connect();
    publish("1");
    await endOfTick();
    expect(connection.messages()).toEqual(["1"]);
    const before = connection.writes.length;
    for (const message of ["2", "3", "4"]) {
      publish(message);
      await endOfTick();
    }
    expect(connection.messages()).toEqual(["1"]);
    vi.advanceTimersByTime(5);
    expect(connection.messages()).toEqual(["1", "2", "3", "4"]);
    expect(connection.writes).toHaveLength(before + 1);
  });

  it("waits no longer once a good chunk has gathered", async () => {
    const { publish, connect } = createBusyFeed();
    const connection = connect();
    publish("1");
    await endOfTick();
    const large = "x".repeat(40_000);
    publish(large);
    await endOfTick();
    expect(connection.messages()).toEqual(["1"]);
    publish(large);
    await endOfTick();
    expect(connection.messages()).toEqual(["1", large, large]);
  });

  it("lets a client in between two flushes without repeating or leaving out anything", async () => {
    const { publish, connect, hub } = createBusyFeed();
    connect();
    publish("1");
    await endOfTick();
    publish("2");
    const late = connect();
    expect(late.read().ids).toEqual(["e-2"]);
    publish("3");
    await hub.forceFlush();
    expect(late.messages()).toEqual(["3"]);
  });
});
