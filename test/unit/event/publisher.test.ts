import { describe, expect, it } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import type { EventLog } from "../../../src/event/event-log.ts";
import { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { hostileEvents } from "../../fixtures/hostile-events.ts";
import { createLogWith, createPublisherRig, createRecordingSink } from "../../fixtures/publisher-rig.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const event = (id: string) => exampleEvent("orchestra.error", id);
const progress = (id: string) => exampleEvent("orchestra.job.progress", id);
const created = (id: string) => exampleEvent("orchestra.job.created", id);

describe("publishing", () => {
  it("appends and shows nothing on the caller's time, then all of one turn as one batch", () => {
    const memory = createMemoryEventLog();
    const batches: number[] = [];
    const append: EventLog["append"] = (batch) => {
      batches.push(batch.length);
      return memory.append(batch);
    };
    const sink = createRecordingSink();
    const { publisher, turn, turns } = createPublisherRig({ log: createLogWith({ append }), sinks: [sink] });
    for (const id of ["1", "2", "3"]) publisher.publish(event(id));
    expect([turns.length, batches, sink.ids]).toEqual([1, [], []]);
    turn();
    expect([batches, sink.ids]).toEqual([[3], ["1", "2", "3"]]);
    publisher.publish(event("4"));
    turn();
    expect([batches, sink.ids]).toEqual([
      [3, 1],
      ["1", "2", "3", "4"],
    ]);
  });

  it("shows a sink only what the log can already give", async () => {
    const log = createMemoryEventLog();
    const reads: Promise<boolean>[] = [];
    const sink = createRecordingSink("reader", (record) => {
      reads.push((async () => (await log.read()).records.some(({ cursor }) => cursor === record.cursor))());
    });
    const { publisher, turn } = createPublisherRig({ log, sinks: [sink] });
    for (const id of ["1", "2"]) publisher.publish(event(id));
    turn();
    expect(await Promise.all(reads)).toEqual([true, true]);
    expect(sink.records).toEqual((await log.read()).records);
  });

  it("encodes each event once, for all", () => {
    let encoded = 0;
    const counting = event("1");
    Object.assign(counting.data, { details: { toJSON: () => ++encoded } });
    const [a, b] = [createRecordingSink("a"), createRecordingSink("b")];
    const { publisher, turn } = createPublisherRig({ sinks: [a, b] });
    publisher.on((record) => expect(record).toBe(a.records[0]));
    publisher.publish(counting);
    turn();
    expect(encoded).toBe(1);
    expect(b.records[0]).toBe(a.records[0]);
    expect(JSON.parse(a.records[0]?.json ?? "")).toMatchObject({ data: { details: 1 } });
  });

  it("fills in the id and the source that an event does not have", () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink], source: "instance-9" });
    publisher.publish({ ...event(""), source: undefined });
    publisher.publish({ ...event(7 as never), source: "its own" });
    turn();
    expect(sink.records.map((record) => record.event.source)).toEqual(["instance-9", "its own"]);
    for (const id of sink.ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(JSON.parse(sink.records[0]?.json ?? "").id).toBe(sink.ids[0]);
  });

  it("counts an event whose id the log holds, and shows it to nobody again", () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    for (const id of ["1", "2", "1"]) publisher.publish(event(id));
    turn();
    expect(sink.ids).toEqual(["1", "2"]);
    expect(publisher.stats()).toMatchObject({ made: 3, appended: 2, duplicates: 1 });
  });

  it.each([undefined, null, "text", {}, { type: "orchestra.job.*" }, { type: 7 }])(
    "refuses %o, and counts nothing",
    (bad) => {
      const { publisher } = createPublisherRig();
      expect(thrownBy(() => publisher.publish(bad as unknown as OrchestratorEvent))).toMatchObject({
        code: "INVALID_ARGUMENT",
        path: "type",
      });
      expect(publisher.stats().made).toBe(0);
    },
  );

  it("runs once per turn of the event loop by default", async () => {
    const sink = createRecordingSink();
    const publisher = new EventPublisher({ log: createMemoryEventLog(), sinks: [sink] });
    publisher.publish(event("1"));
    await Promise.resolve();
    expect(sink.ids).toEqual([]);
    await new Promise(setImmediate);
    expect(sink.ids).toEqual(["1"]);
  });
});

describe("events that JSON cannot hold", () => {
  it("go on as what their JSON says", () => {
    const sink = createRecordingSink();
    const { publisher, turn, errors } = createPublisherRig({ sinks: [sink] });
    const hostile = hostileEvents();
    for (const bad of hostile) publisher.publish(bad);
    turn();
    expect(sink.records).toHaveLength(hostile.length);
    for (const { json } of sink.records) expect(() => JSON.parse(json)).not.toThrow();
    expect(errors).toEqual([]);
  });

  it("are lost alone when not even their envelope can be read", () => {
    const sink = createRecordingSink();
    const { publisher, turn, errors } = createPublisherRig({ sinks: [sink] });
    const fault = new Error("getter");
    const unreadable = Object.defineProperty(event("2"), "data", {
      enumerable: true,
      get: () => {
        throw fault;
      },
    });
    for (const one of [event("1"), unreadable, event("3")]) publisher.publish(one);
    turn();
    expect(sink.ids).toEqual(["1", "3"]);
    expect(publisher.stats()).toMatchObject({ made: 3, appended: 2, dropped: { not_encodable: 1 } });
    expect(errors).toEqual([["encoder", fault]]);
  });

  it("are lost alone when they deny in JSON what they are", () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    publisher.publish(Object.assign({ ...event("1") }, { toJSON: () => "gone" }));
    turn();
    publisher.publish(event("2"));
    turn();
    expect(sink.ids).toEqual(["2"]);
    expect(publisher.stats()).toMatchObject({ made: 2, appended: 1, dropped: { not_encodable: 1 } });
  });

  it("cannot overtake the batch that they are encoded with", async () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    const flushes: Promise<void>[] = [];
    const data = {
      message: "m",
      details: {
        toJSON: () => {
          publisher.publish(event("2"));
          flushes.push(publisher.flush());
        },
      },
    };
    publisher.publish({ ...event("1"), type: "orchestra.error", data });
    turn();
    await Promise.all(flushes);
    expect(sink.ids).toEqual(["1", "2"]);
  });
});

describe("a receiver that fails", () => {
  const fail = () => {
    throw new Error("receiver");
  };

  it("is counted by name, and neither the publisher nor another receiver notices", () => {
    const good = createRecordingSink("good");
    const { publisher, turn, errors } = createPublisherRig({
      sinks: [createRecordingSink("bad", fail), good],
    });
    const handled: string[] = [];
    publisher.on(fail);
    publisher.on(({ event }) => handled.push(event.id));
    for (const id of ["1", "2"]) publisher.publish(event(id));
    turn();
    expect([good.ids, handled]).toEqual([
      ["1", "2"],
      ["1", "2"],
    ]);
    expect(publisher.stats()).toMatchObject({
      sinks: { bad: { delivered: 0, failed: 2 }, good: { delivered: 2, failed: 0 } },
      handlers: { delivered: 2, failed: 2 },
    });
    expect(errors.map(([where]) => where)).toEqual(["bad", "handler", "bad", "handler"]);
  });

  it("may fail later: a rejection is counted, not left unhandled", async () => {
    const reported = Promise.withResolvers<string>();
    const { publisher, turn } = createPublisherRig({ onError: (_error, where) => reported.resolve(where) });
    publisher.on(async () => {});
    publisher.on(async () => fail());
    publisher.publish(event("1"));
    turn();
    expect(await reported.promise).toBe("handler");
    expect(publisher.stats().handlers).toEqual({ delivered: 1, failed: 1 });
  });

  it("may be in company of an error hook that fails too, or of none", () => {
    for (const onError of [fail, undefined]) {
      const sink = createRecordingSink();
      const turns: (() => void)[] = [];
      const publisher = new EventPublisher({
        log: createMemoryEventLog(),
        sinks: [createRecordingSink("bad", fail), sink],
        schedule: (drain) => turns.push(drain),
        ...(onError && { onError }),
      });
      publisher.publish(event("1"));
      for (const drain of turns) drain();
      expect(sink.ids).toEqual(["1"]);
    }
  });
});

describe("receivers come and go", () => {
  it("at any time, each hearing what is published while it is there", () => {
    const { publisher, turn } = createPublisherRig();
    const late = createRecordingSink("late");
    const handled: string[] = [];
    const off = publisher.on(({ event }) => handled.push(event.id));
    publisher.publish(event("1"));
    turn();
    const take = publisher.addSink(late);
    publisher.publish(event("2"));
    turn();
    off();
    off();
    take();
    publisher.publish(event("3"));
    turn();
    expect([handled, late.ids, late.shutdowns]).toEqual([["1", "2"], ["2"], 0]);
    expect(publisher.stats().sinks).toEqual({});
  });

  it("a handler taken off by another in the same event is not called any more", () => {
    const { publisher, turn } = createPublisherRig();
    const handled: string[] = [];
    let off = () => {};
    publisher.on(() => off());
    off = publisher.on(({ event }) => handled.push(event.id));
    publisher.publish(event("1"));
    turn();
    expect(handled).toEqual([]);
  });

  it("a handler that subscribes another for each event comes to an end", () => {
    const { publisher, turn } = createPublisherRig();
    let calls = 0;
    publisher.on(function subscribe() {
      calls++;
      publisher.on(subscribe);
    });
    for (const id of ["1", "2"]) publisher.publish(event(id));
    turn();
    expect(calls).toBe(3);
  });

  it("refuses two sinks of one name, and a handler that is no function", () => {
    const { publisher } = createPublisherRig({ sinks: [createRecordingSink("a")] });
    expect(thrownBy(() => publisher.addSink(createRecordingSink("a"))).path).toBe("sink.name");
    expect(thrownBy(() => publisher.on("x" as never)).path).toBe("handler");
  });
});

describe("when more is published than can wait", () => {
  it("drops what is beyond the room, but keeps as much again for what opens and ends jobs", () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink], maxPending: 2 });
    for (const id of ["p1", "p2", "p3"]) publisher.publish(progress(id));
    publisher.publish(exampleEvent("orchestra.worker.stream", "s1"));
    for (const id of ["c1", "c2", "c3"]) publisher.publish(created(id));
    expect(publisher.stats()).toMatchObject({ made: 7, pending: 4, dropped: { queue_full: 3 } });
    turn();
    expect(sink.ids).toEqual(["p1", "p2", "c1", "c2"]);
    publisher.publish(progress("p4"));
    turn();
    expect(sink.ids).toContain("p4");
  });

  it.each([0, -1, 1.5, Number.NaN])("room for %d events is refused", (maxPending) => {
    expect(thrownBy(() => createPublisherRig({ maxPending }))).toMatchObject({ path: "maxPending" });
  });
});

describe("a receiver that publishes or flushes", () => {
  it("leaves every receiver with the order of the log", async () => {
    const flushed = Promise.withResolvers<void>();
    const { publisher, turn } = createPublisherRig();
    const meddling = createRecordingSink("meddling", ({ event: { id } }) => {
      if (id !== "1") return;
      publisher.publish(event("caused"));
      publisher.flush().then(flushed.resolve, flushed.reject);
    });
    const last = createRecordingSink("last");
    publisher.addSink(meddling);
    publisher.addSink(last);
    for (const id of ["1", "2", "3"]) publisher.publish(event(id));
    turn();
    await flushed.promise;
    expect(meddling.ids).toEqual(["1", "2", "3", "caused"]);
    expect(last.ids).toEqual(meddling.ids);
  });
});
