import { createHook } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import type { EventLog } from "../../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { createLogWith, createPublisherRig, createRecordingSink } from "../../fixtures/publisher-rig.ts";

const event = (id: string) => exampleEvent("orchestra.error", id);

/** A memory log that answers each append when it is told to. */
function createSlowLog() {
  const memory = createMemoryEventLog({ epoch: "e" });
  const asked: { ids: string[]; answer: () => void; refuse: (error: unknown) => void }[] = [];
  const append: EventLog["append"] = (batch) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly (string | undefined)[]>();
    asked.push({
      ids: batch.map((unplaced) => unplaced.event.id),
      answer: () => void Promise.resolve(memory.append(batch)).then(resolve),
      refuse: reject,
    });
    return promise;
  };
  const log = createLogWith({ append }, memory);
  return { log, asked };
}

/** Promises made while `action` runs. */
function countPromises(action: () => void): number {
  let count = 0;
  const init = (_id: number, type: string) => {
    if (type === "PROMISE") count++;
  };
  const hook = createHook({ init }).enable();
  action();
  hook.disable();
  return count;
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a log that refuses a batch", () => {
  it.each<[string, EventLog["append"]]>([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("disk full"))],
    ["answers nothing", () => undefined as never],
    ["answers nothing later", async () => undefined as never],
    ["does not answer for each event", () => ["e-1"]],
  ])("%s: the batch is counted and shown to nobody", async (_how, append) => {
    const sink = createRecordingSink();
    const { publisher, turn, errors } = createPublisherRig({ log: createLogWith({ append }), sinks: [sink] });
    for (const id of ["1", "2"]) publisher.publish(event(id));
    turn();
    await settled();
    expect(sink.ids).toEqual([]);
    expect(publisher.stats()).toMatchObject({
      made: 2,
      appended: 0,
      pending: 0,
      dropped: { append_failed: 2 },
    });
    expect(errors).toEqual([["log", expect.any(Error)]]);
    await publisher.shutdown();
  });

  it("is asked again for what comes later", async () => {
    const { log, asked } = createSlowLog();
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ log, sinks: [sink] });
    publisher.publish(event("1"));
    turn();
    asked[0]?.refuse(new Error("busy"));
    await settled();
    publisher.publish(event("2"));
    turn();
    asked[1]?.answer();
    await settled();
    expect(sink.ids).toEqual(["2"]);
  });
});

describe("a log that answers later", () => {
  it("is given one batch after another, so that order is kept", async () => {
    const { log, asked } = createSlowLog();
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ log, sinks: [sink] });
    publisher.publish(event("1"));
    turn();
    publisher.publish(event("2"));
    turn();
    publisher.publish(event("3"));
    turn();
    expect(asked.map(({ ids }) => ids)).toEqual([["1"]]);
    expect(publisher.stats()).toMatchObject({ made: 3, pending: 3 });
    asked[0]?.answer();
    await settled();
    expect(asked.map(({ ids }) => ids)).toEqual([["1"], ["2", "3"]]);
    expect(sink.ids).toEqual(["1"]);
    asked[1]?.answer();
    await settled();
    expect(sink.ids).toEqual(["1", "2", "3"]);
    expect(publisher.stats()).toMatchObject({ appended: 3, pending: 0 });
  });

  it("may be slow under sustained publishing: what waits for it does not grow with the turns", async () => {
    const { log, asked } = createSlowLog();
    const { publisher, turn } = createPublisherRig({ log });
    const publishOnce = (id: number) => {
      publisher.publish(event(String(id)));
      turn();
    };
    publishOnce(0);
    const promises = countPromises(() => {
      for (let id = 1; id <= 500; id++) publishOnce(id);
    });
    expect(promises).toBeLessThan(10);
    asked[0]?.answer();
    await settled();
    asked[1]?.answer();
    await settled();
    expect(asked.map(({ ids }) => ids.length)).toEqual([1, 500]);
    expect(publisher.stats()).toMatchObject({ appended: 501, pending: 0 });
  });

  it("makes flush wait for what was published before, in flight or not", async () => {
    const { log, asked } = createSlowLog();
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ log, sinks: [sink] });
    publisher.publish(event("1"));
    turn();
    publisher.publish(event("2"));
    let isFlushed = false;
    const flushed = publisher.flush().then(() => {
      isFlushed = true;
    });
    asked[0]?.answer();
    await settled();
    expect([isFlushed, sink.ids]).toEqual([false, ["1"]]);
    asked[1]?.answer();
    await flushed;
    expect([sink.ids, sink.flushes]).toEqual([["1", "2"], 1]);
  });
});

describe("flush", () => {
  it("is a barrier without waiting for a turn", async () => {
    const sink = createRecordingSink();
    const { publisher } = createPublisherRig({ sinks: [sink] });
    publisher.publish(event("1"));
    await publisher.flush();
    expect([sink.ids, sink.flushes]).toEqual([["1"], 1]);
    await publisher.flush();
    expect(sink.flushes).toBe(2);
  });

  it("says when the log could not, and flushes the sinks all the same", async () => {
    const sink = createRecordingSink();
    const fault = new Error("fsync");
    const log = createLogWith({ flush: () => Promise.reject(fault) });
    const { publisher } = createPublisherRig({ log, sinks: [sink] });
    await expect(publisher.flush()).rejects.toBe(fault);
    expect(sink.flushes).toBe(1);
  });

  it("does not fail for a sink that does: it is reported", async () => {
    const good = createRecordingSink("good");
    const throwing = createRecordingSink("throwing");
    throwing.forceFlush = () => {
      throw new Error("flush");
    };
    const rejecting = {
      ...createRecordingSink("rejecting"),
      forceFlush: () => Promise.reject(new Error("x")),
    };
    const { publisher, errors } = createPublisherRig({ sinks: [throwing, rejecting, good] });
    await publisher.flush();
    expect(good.flushes).toBe(1);
    expect(errors.map(([where]) => where)).toEqual(["throwing", "rejecting"]);
  });
});

describe("shutdown", () => {
  it("flushes, shuts the sinks down, closes the log, once", async () => {
    const log = createMemoryEventLog();
    const sink = createRecordingSink();
    const { publisher } = createPublisherRig({ log, sinks: [sink] });
    publisher.publish(event("1"));
    const first = publisher.shutdown();
    expect(publisher.shutdown()).toBe(first);
    await first;
    expect([sink.ids, sink.flushes, sink.shutdowns]).toEqual([["1"], 1, 1]);
    expect(() => log.append([])).toThrow("closed");
  });

  it("counts what is published afterwards, from its call on", async () => {
    const sink = createRecordingSink("meddling", () => publisher.publish(event("caused")));
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    publisher.publish(event("1"));
    const done = publisher.shutdown();
    publisher.publish(event("2"));
    await done;
    publisher.publish(event("3"));
    turn();
    expect(sink.ids).toEqual(["1"]);
    expect(publisher.stats()).toMatchObject({ made: 4, appended: 1, pending: 0, dropped: { closed: 3 } });
  });

  it("may be called by a sink", async () => {
    const sink = createRecordingSink("ending", () => void publisher.shutdown());
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    publisher.publish(event("1"));
    turn();
    await publisher.shutdown();
    expect(sink.shutdowns).toBe(1);
  });

  it("comes to its end whatever fails on the way, and reports it", async () => {
    const fail = () => Promise.reject(new Error("end"));
    const log = createLogWith({ flush: fail, close: fail });
    const bad = { ...createRecordingSink("bad"), shutdown: fail };
    const good = createRecordingSink("good");
    const { publisher, errors } = createPublisherRig({ log, sinks: [bad, good] });
    await expect(publisher.shutdown()).resolves.toBeUndefined();
    expect(good.shutdowns).toBe(1);
    expect(errors.map(([where]) => where)).toEqual(["log", "bad", "log"]);
  });
});
