import { describe, expect, it } from "vitest";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { EventRecord, MaybePromise } from "../../src/event/event-log.ts";
import type { EventSink } from "../../src/event/event-sink.ts";
import { exampleEvents } from "../fixtures/event-examples.ts";
import { deepFrozen } from "../fixtures/frozen.ts";
import { hostileRecords } from "../fixtures/hostile-events.ts";

function exampleRecords(): EventRecord[] {
  return exampleEvents().map((event, index) => ({
    ...encodeEvent(event),
    cursor: `conformance-${index + 1}`,
  }));
}

/** A sink, and what shows that it did something with a record. */
export interface EventSinkUnderTest {
  sink: EventSink;
  /** How many of the records have arrived where the sink delivers. */
  delivered: (records: readonly EventRecord[]) => MaybePromise<number>;
}

/** What every EventSink must do; `create` makes a new one for each test. */
export function describeEventSink(name: string, create: () => MaybePromise<EventSinkUnderTest>): void {
  describe(`${name}, as an EventSink`, () => {
    describeManners(async () => (await create()).sink);
    describeDelivery(create);
  });
}

/** What a sink must do that has nowhere to deliver to. */
export function describeIdleEventSink(name: string, create: () => MaybePromise<EventSink>): void {
  describe(`${name}, as an EventSink with nobody to deliver to`, () => describeManners(create));
}

function describeManners(create: () => MaybePromise<EventSink>): void {
  const withSink = (test: (sink: EventSink) => Promise<void>) => async () => {
    const sink = await create();
    try {
      await test(sink);
    } finally {
      await sink.shutdown();
    }
  };

  it(
    "has a name",
    withSink(async (sink) => expect(sink.name).toMatch(/\S/)),
  );

  it(
    "takes every type of event, at once and without changing it",
    withSink(async (sink) => {
      for (const record of exampleRecords()) expect(sink.onEvent(deepFrozen(record))).toBeUndefined();
      await expect(sink.forceFlush()).resolves.toBeUndefined();
    }),
  );

  it(
    "throws on nothing that can stand in a log",
    withSink(async (sink) => {
      for (const record of hostileRecords()) expect(() => sink.onEvent(record)).not.toThrow();
      await expect(sink.forceFlush()).resolves.toBeUndefined();
    }),
  );

  it("shuts down unused, and once, however often it is asked", async () => {
    const sink = await create();
    const ends = [sink.shutdown(), sink.shutdown()];
    await expect(Promise.all(ends)).resolves.toEqual([undefined, undefined]);
    await expect(sink.shutdown()).resolves.toBeUndefined();
    await expect(sink.forceFlush()).resolves.toBeUndefined();
  });
}

function describeDelivery(create: () => MaybePromise<EventSinkUnderTest>): void {
  const withSink = (test: (tested: EventSinkUnderTest) => Promise<void>) => async () => {
    const tested = await create();
    try {
      await test(tested);
    } finally {
      await tested.sink.shutdown();
    }
  };
  const records = exampleRecords();
  const tellAll = (sink: EventSink) => {
    for (const record of records) sink.onEvent(record);
  };

  it(
    "has delivered what it was told once it is flushed",
    withSink(async ({ sink, delivered }) => {
      expect(await delivered(records)).toBe(0);
      tellAll(sink);
      await sink.forceFlush();
      expect(await delivered(records)).toBe(records.length);
    }),
  );

  it(
    "goes on after what was hostile",
    withSink(async ({ sink, delivered }) => {
      for (const record of hostileRecords()) sink.onEvent(record);
      tellAll(sink);
      await sink.forceFlush();
      expect(await delivered(records)).toBe(records.length);
    }),
  );

  it(
    "flushes with nothing to flush, repeatedly and at the same time",
    withSink(async ({ sink, delivered }) => {
      await sink.forceFlush();
      tellAll(sink);
      await Promise.all([sink.forceFlush(), sink.forceFlush()]);
      await sink.forceFlush();
      expect(await delivered(records)).toBe(records.length);
    }),
  );

  it(
    "delivers what is left as it shuts down",
    withSink(async ({ sink, delivered }) => {
      tellAll(sink);
      await Promise.all([sink.shutdown(), sink.shutdown()]);
      expect(await delivered(records)).toBe(records.length);
    }),
  );

  it(
    "ignores what comes after it was shut down",
    withSink(async ({ sink, delivered }) => {
      await sink.shutdown();
      expect(() => tellAll(sink)).not.toThrow();
      await sink.forceFlush();
      expect(await delivered(records)).toBe(0);
    }),
  );
}
