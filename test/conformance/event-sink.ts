import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { EventRecord, MaybePromise } from "../../src/event/event-log.ts";
import type { EventSink } from "../../src/event/event-sink.ts";
import { exampleEvents } from "../fixtures/event-examples.ts";
import { hostileRecords } from "../fixtures/hostile-events.ts";

function exampleRecords(): EventRecord[] {
  return exampleEvents().map((event, index) => ({
    ...encodeEvent(event),
    cursor: `conformance-${index + 1}`,
  }));
}

/** A record is shared by all sinks: what one of them changes, the next would see. */
function deepFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}

/** What every EventSink must do; `create` makes a new one for each test. */
export function describeEventSink(name: string, create: () => MaybePromise<EventSink>): void {
  const withSink = (test: (sink: EventSink) => Promise<void>) => async () => {
    const sink = await create();
    try {
      await test(sink);
    } finally {
      await sink.shutdown();
    }
  };

  describe(`${name}, as an EventSink`, () => {
    it(
      "has a name",
      withSink(async (sink) => expect(sink.name).toMatch(/\S/)),
    );

    it(
      "takes every type of event, at once and without changing it",
      withSink(async (sink) => {
        for (const record of exampleRecords()) {
          expect(sink.onEvent(deepFrozen(record))).toBeUndefined();
        }
        await sink.forceFlush();
      }),
    );

    it(
      "throws on nothing that can stand in a log",
      withSink(async (sink) => {
        for (const record of hostileRecords()) expect(() => sink.onEvent(record)).not.toThrow();
        await sink.forceFlush();
      }),
    );

    it(
      "goes on after what was hostile",
      withSink(async (sink) => {
        for (const record of hostileRecords().concat(exampleRecords())) sink.onEvent(record);
        await expect(sink.forceFlush()).resolves.toBeUndefined();
      }),
    );

    it(
      "flushes with nothing to flush, repeatedly and at the same time",
      withSink(async (sink) => {
        await sink.forceFlush();
        for (const record of exampleRecords()) sink.onEvent(record);
        await Promise.all([sink.forceFlush(), sink.forceFlush()]);
        await sink.forceFlush();
      }),
    );

    it("shuts down unused", async () => {
      const sink = await create();
      await expect(sink.shutdown()).resolves.toBeUndefined();
    });

    it("shuts down once, however often it is asked", async () => {
      const sink = await create();
      for (const record of exampleRecords()) sink.onEvent(record);
      await Promise.all([sink.shutdown(), sink.shutdown()]);
      await sink.shutdown();
    });

    it("ignores what comes after it was shut down", async () => {
      const sink = await create();
      await sink.shutdown();
      for (const record of exampleRecords()) expect(() => sink.onEvent(record)).not.toThrow();
      await sink.forceFlush();
      await sink.shutdown();
    });
  });
}
