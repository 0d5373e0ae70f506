import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { EventLog, EventRecord } from "../../../src/event/event-log.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { createLogWith, createPublisherRig, createRecordingSink } from "../../fixtures/publisher-rig.ts";

const event = (id: string) => exampleEvent("orchestra.error", id);

/** A memory log that somebody else appends to, too. */
function createSharedLog(overrides: Partial<EventLog> = {}) {
  const memory = createMemoryEventLog({ epoch: "e" });
  const listeners = new Set<(records: readonly EventRecord[]) => void>();
  const log = createLogWith(
    {
      watch: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      ...overrides,
    },
    memory,
  );
  const appendElsewhere = async (...ids: string[]) => {
    const batch = ids.map((id) => encodeEvent(event(id)));
    const cursors = await memory.append(batch);
    const records = batch.map((unplaced, index) => ({ ...unplaced, cursor: cursors[index] as string }));
    for (const listener of listeners) listener(records);
  };
  return { log, memory, listeners, appendElsewhere };
}

describe("a log that others append to", () => {
  it("has their records shown to sinks and handlers like our own, and counted apart", async () => {
    const { log, appendElsewhere } = createSharedLog();
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ log, sinks: [sink] });
    const handled: string[] = [];
    publisher.on(({ cursor }) => handled.push(cursor));
    publisher.publish(event("1"));
    turn();
    await appendElsewhere("theirs-1", "theirs-2");
    publisher.publish(event("2"));
    turn();
    expect(sink.ids).toEqual(["1", "theirs-1", "theirs-2", "2"]);
    expect(handled).toEqual(["e-1", "e-2", "e-3", "e-4"]);
    expect(sink.records).toEqual((await log.read()).records);
    expect(publisher.stats()).toMatchObject({
      made: 2,
      appended: 2,
      foreign: 2,
      sinks: { recording: { delivered: 4, failed: 0 } },
    });
  });

  it("hands them over before the append that they precede, at once or later", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const shared = createSharedLog({
      append: async (batch) => {
        await shared.appendElsewhere("before");
        await promise;
        return shared.memory.append(batch);
      },
    });
    const sink = createRecordingSink();
    const { publisher } = createPublisherRig({ log: shared.log, sinks: [sink] });
    publisher.publish(event("1"));
    const flushed = publisher.flush();
    await shared.appendElsewhere("in flight");
    expect(sink.ids).toEqual(["before", "in flight"]);
    resolve();
    await flushed;
    await shared.appendElsewhere("after");
    expect(sink.records).toEqual((await shared.log.read()).records);
    expect(sink.ids.slice(2)).toEqual(["1", "after"]);
  });

  it("does not let a failing sink keep them from another", async () => {
    const { log, appendElsewhere } = createSharedLog();
    const failing = createRecordingSink("failing", () => {
      throw new Error("sink");
    });
    const sink = createRecordingSink();
    const { publisher, errors } = createPublisherRig({ log, sinks: [failing, sink] });
    await appendElsewhere("theirs");
    expect(sink.ids).toEqual(["theirs"]);
    expect(errors).toEqual([["failing", expect.any(Error)]]);
    expect(publisher.stats().sinks.failing).toEqual({ delivered: 0, failed: 1 });
  });

  it("lets a sink flush while it is shown one", async () => {
    const { log, appendElsewhere } = createSharedLog();
    let flushed: Promise<void> | undefined;
    const flushing = createRecordingSink("flushing", ({ event: { id } }) => {
      if (id === "theirs-1") flushed = rig.publisher.flush();
    });
    const sink = createRecordingSink();
    const rig = createPublisherRig({ log, sinks: [flushing, sink] });
    rig.publisher.publish(event("ours"));
    await appendElsewhere("theirs-1", "theirs-2");
    await flushed;
    expect(sink.ids).toEqual(["theirs-1", "theirs-2", "ours"]);
  });

  it("is left at shutdown, after the last flush", async () => {
    const shared = createSharedLog({
      flush: () => shared.appendElsewhere("last"),
      close: async () => {},
    });
    const sink = createRecordingSink();
    const { publisher } = createPublisherRig({ log: shared.log, sinks: [sink] });
    await publisher.shutdown();
    await shared.appendElsewhere("too late");
    expect(shared.listeners.size).toBe(0);
    expect(sink.ids).toEqual(["last"]);
  });
});
