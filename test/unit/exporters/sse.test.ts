import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSseHub, LATER_EVENT } from "../../../exporters/sse.ts";
import type { EventLog } from "../../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { TestConnection } from "../../fixtures/sse-connection.ts";
import { createFeed, errorEvent, range, settled } from "../../fixtures/sse-feed.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a live client", () => {
  it("gets what is published from now on, with the cursors of the log", async () => {
    const { publish, connect } = createFeed();
    publish("before");
    const connection = connect();
    const [record] = publish("after");
    await settled();
    expect(connection.read().events).toEqual([{ id: "e-2", event: "orchestra.error", data: record?.json }]);
  });

  it("is told at once where it stands, so that it misses nothing when it comes back before any event", () => {
    const { publish, connect } = createFeed();
    publish("before");
    expect(connect().read()).toMatchObject({ events: [], ids: ["e-1"] });
  });

  it("gets one write for all that comes in one tick", async () => {
    const { publish, connect } = createFeed();
    const connection = connect();
    const before = connection.writes.length;
    publish("1", "2");
    publish("3");
    expect(connection.writes).toHaveLength(before);
    await settled();
    expect(connection.writes).toHaveLength(before + 1);
    expect(connection.messages()).toEqual(["1", "2", "3"]);
  });

  it("shares the bytes of each tick with all others of the same filter", async () => {
    const { hub, publish } = createFeed();
    const written: Uint8Array[] = [];
    for (const types of [
      ["orchestra.error", "orchestra.job.*"],
      ["orchestra.job.*", "orchestra.error"],
    ]) {
      const connection = new TestConnection();
      connection.write = (chunk) => {
        written.push(chunk);
        return true;
      };
      hub.connect(connection, { filter: hub.compile({ types }) });
    }
    publish("1", "2");
    await settled();
    expect(written).toHaveLength(4);
    expect(written[2]).toBe(written[3]);
  });

  it("sees only what its filter lets through", async () => {
    const { hub, publish, connect } = createFeed();
    const coder = connect({ filter: hub.compile({ workerIds: ["coder"] }) });
    const jobs = connect({ filter: hub.compile({ types: ["orchestra.job.*"] }) });
    publish(errorEvent("1", "coder"), errorEvent("2", "tester"), errorEvent("3"));
    await settled();
    expect(coder.messages()).toEqual(["1"]);
    expect(jobs.messages()).toEqual([]);
  });

  it("is gone when its connection closes or it is disconnected", async () => {
    const { hub, publish, connect } = createFeed();
    const left = connect();
    const sent = new TestConnection();
    const disconnect = hub.connect(sent);
    expect(hub.stats().clients).toBe(2);
    left.close();
    disconnect();
    disconnect();
    expect(hub.stats().clients).toBe(0);
    expect(sent.state).toBe("ended");
    publish("late");
    await settled();
    expect([...left.messages(), ...sent.messages()]).toEqual([]);
  });

  it("gets nothing more once it was ended, even if its connection lingers", async () => {
    const { hub, publish } = createFeed();
    const connection = new TestConnection();
    connection.isStuck = true;
    const disconnect = hub.connect(connection);
    disconnect();
    publish("late");
    vi.advanceTimersByTime(15_000);
    await settled();
    expect(connection.messages()).toEqual([]);
    expect(hub.stats().clients).toBe(1);
    vi.advanceTimersByTime(15_000);
    expect(connection.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ clients: 0, dropped: { slow_time: 1 } });
  });

  it("is not let in when its connection is closed already", () => {
    const { hub } = createFeed();
    const connection = new TestConnection();
    connection.onClose = (listener) => listener();
    hub.connect(connection)();
    expect(connection.writes).toEqual([]);
    expect(hub.stats().clients).toBe(0);
  });

  it("cannot want what there is not: the filter is refused before anyone is connected", () => {
    const { hub } = createFeed();
    expect(() => hub.compile({ types: ["orchestra.jobs"] })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", path: "type" }),
    );
  });

  it("shares its filter, as it was compiled, with clients that want the same", () => {
    const { hub, connect } = createFeed();
    const filter = hub.compile({ workerIds: ["a", "b"] });
    expect(hub.compile({ workerIds: ["b", "a"] })).not.toBe(filter);
    connect({ filter });
    expect(hub.compile({ workerIds: ["b", "a"] })).toBe(filter);
  });
});

describe("heartbeats", () => {
  it("carry the cursor of the feed to a client whose filter lets nothing through", async () => {
    const { hub, publish, connect } = createFeed({ heartbeatMs: 500 });
    const connection = connect({ filter: hub.compile({ jobIds: ["none"] }) });
    publish("1", "2", "3");
    await settled();
    vi.advanceTimersByTime(500);
    expect(connection.read()).toMatchObject({ events: [], ids: ["e-0", "e-3"] });
  });

  it("come every 15 seconds by default", () => {
    const { connect } = createFeed();
    const connection = connect();
    vi.advanceTimersByTime(45_000);
    expect(connection.read().ids).toHaveLength(4);
  });

  it("come to many clients in groups, between which others have their turn", async () => {
    const { connect } = createFeed();
    const connections = range(1, 300).map(() => connect());
    const beaten = () => connections.filter(({ writes }) => writes.length > 1).length;
    vi.advanceTimersByTime(15_000);
    const seen = [beaten()];
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(beaten());
    }
    expect(seen).toEqual([128, 256, 300, 300]);
    expect(connections.every(({ writes }) => writes.length === 2)).toBe(true);
  });

  it("do not pile up for a client that stalls", () => {
    const { connect } = createFeed({ heartbeatMs: 500 });
    const connection = connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    vi.advanceTimersByTime(5_000);
    expect(connection.writes).toHaveLength(1);
  });

  it("also send what was dispatched in this very tick", () => {
    const { publish, connect } = createFeed({ heartbeatMs: 500 });
    const connection = connect();
    publish("1");
    vi.advanceTimersByTime(500);
    expect(connection.messages()).toEqual(["1"]);
  });
});

describe("the first cursor", () => {
  it("comes from an asynchronous log as soon as that answers", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const log: EventLog = { ...asyncLog(memory), bounds: async () => memory.bounds() };
    const hub = createSseHub({ log, now: () => 0 });
    const connection = new TestConnection();
    hub.connect(connection);
    expect(connection.read()).toMatchObject({ ids: [], comments: [""] });
    await settled();
    expect(connection.read().ids).toEqual(["e-0"]);
  });

  it("is not set back when the log answers after the first event", async () => {
    const memory = createMemoryEventLog({ epoch: "e" });
    const bounds = Promise.withResolvers<{ oldest: undefined; latest: string }>();
    const hub = createSseHub({ now: () => 0, log: { ...asyncLog(memory), bounds: () => bounds.promise } });
    const connection = new TestConnection();
    hub.connect(connection);
    hub.onEvent({ ...errorEvent("1"), cursor: "e-1" });
    bounds.resolve({ oldest: undefined, latest: "e-0" });
    await settled();
    expect(connection.read().ids).toEqual(["e-1"]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("gone");
      },
    ],
    ["rejects", () => Promise.reject(new Error("gone"))],
  ])("comes with the first event when the log's bounds %s", async (_, bounds) => {
    const hub = createSseHub({ now: () => 0, log: { ...asyncLog(createMemoryEventLog()), bounds } });
    const connection = new TestConnection();
    hub.connect(connection);
    hub.onEvent({ ...errorEvent("1"), cursor: "e-1" });
    await settled();
    expect(connection.read().ids).toEqual(["e-1"]);
  });
});

describe("a slow client", () => {
  it("is dropped once more is queued for it than the limit", async () => {
    const { hub, publish, connect } = createFeed({ maxQueuedBytes: 1_000 });
    const stuck = connect({}, (connection) => {
      connection.isStuck = true;
    });
    const quick = connect();
    for (const message of range(1, 20)) {
      publish(message);
      await settled();
    }
    expect(stuck.state).toBe("destroyed");
    expect(stuck.queuedBytes).toBeLessThanOrEqual(1_000);
    expect(quick.messages()).toEqual(range(1, 20));
    expect(hub.stats()).toMatchObject({ clients: 1, dropped: { slow_bytes: 1, slow_time: 0 } });
  });

  it("is dropped when its queue does not empty in time", () => {
    const { hub, connect } = createFeed({ maxStallMs: 2_000 });
    const connection = connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    vi.advanceTimersByTime(1_999);
    expect(connection.state).toBe("open");
    vi.advanceTimersByTime(1);
    expect(connection.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ clients: 0, dropped: { slow_bytes: 0, slow_time: 1 } });
  });

  it("stays when it drains in time, each time anew", async () => {
    const { publish, connect } = createFeed({ maxStallMs: 2_000 });
    const connection = connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    for (const message of ["1", "2", "3"]) {
      publish(message);
      await settled();
      vi.advanceTimersByTime(1_500);
      connection.drain();
    }
    expect(connection.state).toBe("open");
    expect(connection.messages()).toEqual(["1", "2", "3"]);
  });

  it("is dropped when its connection throws, and the others do not notice", async () => {
    const { hub, publish, connect } = createFeed();
    const broken = connect();
    const whole = connect();
    broken.isBroken = true;
    publish("1");
    await settled();
    expect(broken.state).toBe("destroyed");
    expect(whole.messages()).toEqual(["1"]);
    expect(hub.stats()).toMatchObject({ clients: 1, dropped: { write_failed: 1 } });
  });
});

describe("too many clients", () => {
  it("are asked to come back later, at a time of their own", () => {
    const { hub, connect } = createFeed({ maxClients: 1, random: () => 0.5 });
    const first = connect();
    const second = new TestConnection();
    const disconnect = hub.connect(second);
    disconnect();
    expect(second.read()).toEqual({
      events: [{ id: undefined, event: LATER_EVENT, data: '{"reason":"full","retryMs":20000}' }],
      ids: [],
      comments: [],
      retries: [20_000],
    });
    expect(second.state).toBe("ended");
    expect(first.state).toBe("open");
    expect(hub.stats()).toMatchObject({ clients: 1, dropped: { refused: 1 } });
  });
});

describe("shutdown", () => {
  it("sends what is pending, then ends the clients one by one, each with a time of its own to come back", async () => {
    let drawn = 0;
    const now = () => performance.now();
    const { hub, publish, connect } = createFeed({ random: () => drawn++ / 4, maxLifetimeMs: 0, now });
    const connections = [connect(), connect(), connect()];
    publish("last");
    const done = hub.shutdown({ deadlineMs: 600 });
    const ended = () => connections.filter(({ state }) => state === "ended").length;
    expect(ended()).toBe(0);
    vi.advanceTimersByTime(10);
    expect(ended()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(ended()).toBe(2);
    vi.advanceTimersByTime(100);
    await done;
    expect(connections.map((connection) => connection.read().retries)).toEqual([[1_000], [2_000], [3_000]]);
    expect(connections.map((connection) => connection.messages())).toEqual([["last"], ["last"], ["last"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says nothing to who has left before its turn", async () => {
    const now = () => performance.now();
    const { hub, connect } = createFeed({ now });
    const [first, second] = [connect(), connect()];
    const done = hub.shutdown({ deadlineMs: 600 });
    second.close();
    vi.advanceTimersByTime(300);
    await done;
    expect([first, second].map((connection) => connection.read().retries.length)).toEqual([1, 0]);
    expect(hub.stats()).toMatchObject({ clients: 0, ended: { left: 1, shutdown: 1 } });
  });

  it("cuts off what is still connected at the deadline", async () => {
    const { hub, connect } = createFeed({ shutdownMs: 500 });
    const connection = connect({}, (stuck) => {
      stuck.isStuck = true;
    });
    const done = hub.shutdown();
    vi.advanceTimersByTime(500);
    await done;
    expect(connection.state).toBe("destroyed");
    expect(hub.stats()).toMatchObject({ clients: 0, dropped: { shutdown_deadline: 1 } });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is done at once without clients, and the same promise however often it is called", async () => {
    const { hub } = createFeed();
    const done = hub.shutdown();
    expect(hub.shutdown()).toBe(done);
    await done;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ignores events and refuses clients from then on", async () => {
    const { hub, publish, connect } = createFeed();
    await hub.shutdown();
    publish("late");
    await hub.forceFlush();
    expect(connect().state).toBe("ended");
    expect(hub.stats()).toMatchObject({ delivered: 0, dropped: { refused: 1 } });
  });
});

describe("stats", () => {
  it("count clients, events per client and all bytes", async () => {
    const { hub, publish, connect } = createFeed();
    const connections = [connect(), connect()];
    publish("1", "2");
    await hub.forceFlush();
    const bytes = connections.flatMap(({ writes }) => writes).reduce((sum, { length }) => sum + length, 0);
    expect(hub.stats()).toEqual({
      clients: 2,
      connected: 2,
      ended: { left: 0, lifetime: 0, shutdown: 0, disconnected: 0 },
      delivered: 4,
      dropped: {
        slow_bytes: 0,
        slow_time: 0,
        log_failed: 0,
        write_failed: 0,
        refused: 0,
        shutdown_deadline: 0,
      },
      resyncs: 0,
      bytes,
    });
  });

  it("are a copy", () => {
    const { hub } = createFeed();
    hub.stats().dropped.slow_time = 5;
    hub.stats().ended.left = 5;
    expect(hub.stats()).toMatchObject({ dropped: { slow_time: 0 }, ended: { left: 0 } });
  });
});

describe("options", () => {
  it.each(["heartbeatMs", "maxClients", "maxQueuedBytes", "maxStallMs", "shutdownMs"])(
    "refuse a %s that is not a positive number",
    (option) => {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5"]) {
        expect(() => createFeed({ [option]: value })).toThrow(
          expect.objectContaining({ code: "INVALID_ARGUMENT", path: option }),
        );
      }
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it.each(["maxLifetimeMs", "maxDelayMs"])("refuse a %s that is not a number from 0", (option) => {
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5"]) {
      expect(() => createFeed({ [option]: value })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", path: option }),
      );
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});

function asyncLog(log: EventLog): EventLog {
  return {
    append: (batch) => log.append(batch),
    read: async (options) => log.read(options),
    bounds: async () => log.bounds(),
    flush: () => log.flush(),
    close: () => log.close(),
  };
}
