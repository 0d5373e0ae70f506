import { effect } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { type ConnectionHandlers, FeedError } from "../../../src/client/index.ts";
import { createClock } from "../../../src/panel/live/clock.ts";
import { EventBatch } from "../../../src/panel/live/event-batch.ts";
import { Live } from "../../../src/panel/live/live.ts";
import { jobEvent } from "../../fixtures/job-story.ts";
import { ended, job } from "./panel-jobs.ts";

interface Rig {
  live: Live;
  /** What the latest connection calls. */
  feed: Required<ConnectionHandlers>;
  connections: { isClosed: boolean; from: string | undefined }[];
  draw: () => void;
}

function startLive(): Rig {
  const connections: Rig["connections"] = [];
  let waiting: (() => void)[] = [];
  const rig = { connections } as Rig;
  rig.draw = () => {
    const callbacks = waiting;
    waiting = [];
    for (const callback of callbacks) callback();
  };
  rig.live = new Live({
    connect: ({ from, ...handlers }) => {
      const connection = { isClosed: false, from };
      connections.push(connection);
      rig.feed = handlers as Required<ConnectionHandlers>;
      const close = () => {
        connection.isClosed = true;
        handlers.onState?.({ state: "closed" });
      };
      return { close, cursor: "e-7" } as never;
    },
    schedule: (callback) => waiting.push(callback),
    now: () => 5_000,
  });
  rig.live.start();
  return rig;
}

const GAP = { reason: "evicted", requested: "e-1", oldest: "e-5", latest: "e-9" } as const;

describe("the live page", () => {
  it("applies events when it is drawn", () => {
    const { live, feed, draw } = startLive();
    feed.onSnapshot({ jobs: [job("a")], cursor: "e-1" });
    feed.onEvent(jobEvent("orchestra.job.progress", "a"), "e-2");
    feed.onEvent(jobEvent("orchestra.job.completed", "a"), "e-3");
    feed.onEvent({ version: 1, id: "x", type: "orchestra.new", timestamp: 1, data: {} }, "e-4");
    expect(live.store.get("a")?.job.peek().status).toBe("running");
    draw();
    expect(live.store.get("a")?.job.peek().status).toBe("succeeded");
    expect(live.received.value).toBe(3);
    expect(live.marks.of("a")).toHaveLength(1);
    expect(live.tally.lastHour(live.store.get("a")?.job.peek().finishedAt ?? 0).at(-1)?.succeeded).toBe(1);
  });

  it("is as of the list that is read, whatever waited before it", () => {
    const { live, feed, draw } = startLive();
    feed.onEvent(jobEvent("orchestra.job.created", "old"), "e-1");
    feed.onSnapshot({ jobs: [ended("a", 2_000)], cursor: "f-1" });
    draw();
    expect(live.store.newestFirst().map(({ id }) => id)).toEqual(["a"]);
    expect([live.isLoaded.value, live.snapshots.value]).toEqual([true, 1]);
  });

  it("shows the first jobs until it has read all", () => {
    const { live, feed } = startLive();
    live.preview([]);
    live.preview([job("a")]);
    expect([live.store.size, live.isLoaded.value]).toEqual([1, false]);
    feed.onSnapshot({ jobs: [job("b"), job("a")], cursor: "e-1" });
    live.preview([job("late")]);
    expect(live.store.newestFirst().map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("remembers gaps, the newest first, and not for ever", () => {
    const { live, feed } = startLive();
    for (let count = 0; count < 60; count++) feed.onGap({ ...GAP, latest: `e-${count}` });
    expect(live.gaps.value).toHaveLength(50);
    expect(live.gaps.value[0]).toEqual({ ...GAP, latest: "e-59", at: 5_000 });
  });

  it("tells how it is connected", () => {
    const { live, feed } = startLive();
    expect(live.link.value).toEqual({ state: "connecting" });
    feed.onState({ state: "open" });
    expect(live.link.value).toEqual({ state: "open" });
    const gone = new Error("gone");
    feed.onState({ state: "waiting", error: gone, retryInMs: 700 });
    expect(live.link.value).toEqual({ state: "waiting", error: gone, retryAt: 5_700 });
    const error = new FeedError("no", { status: 401, code: "UNAUTHORIZED" });
    feed.onState({ state: "closed", error });
    expect(live.link.value).toEqual({ state: "closed", error });
  });

  it("connects anew and closes what was before", () => {
    const { live, feed, connections } = startLive();
    feed.onError(new Error("not an event"));
    live.start();
    expect(connections).toEqual([
      { isClosed: true, from: undefined },
      // Where the one before was: nothing is missed.
      { isClosed: false, from: "e-7" },
    ]);
  });

  it("is not told of by the connection that it has left", () => {
    const { live, feed: left, ...rig } = startLive();
    left.onState({ state: "waiting", error: new Error("gone"), retryInMs: 700 });
    live.start();
    left.onState({ state: "closed" });
    expect(live.link.value).toEqual({ state: "connecting" });
    expect(rig.connections).toHaveLength(2);
  });

  it("tells watchers of their job alone, until they leave", () => {
    const { live, feed, draw } = startLive();
    const seen: string[] = [];
    const leave = [1, 2].map((who) =>
      live.watch("a", (events) => seen.push(`${who} ${events.map(({ type }) => type)}`)),
    );
    feed.onEvent(jobEvent("orchestra.job.created", "a"), "e-1");
    feed.onEvent(jobEvent("orchestra.job.created", "b"), "e-2");
    draw();
    leave[0]?.();
    feed.onEvent(jobEvent("orchestra.job.started", "a"), "e-3");
    feed.onEvent(jobEvent("orchestra.job.progress", "a"), "e-3");
    draw();
    leave[1]?.();
    feed.onEvent(jobEvent("orchestra.job.completed", "a"), "e-4");
    draw();
    expect(seen).toEqual([
      "1 orchestra.job.created",
      "2 orchestra.job.created",
      // Once for all that came until the page was drawn.
      "2 orchestra.job.started,orchestra.job.progress",
    ]);
  });
});

describe("a batch of events", () => {
  it("asks for a rest when it is full, until it was taken", async () => {
    const taken: number[][] = [];
    const scheduled: (() => void)[] = [];
    const batch = new EventBatch<number>({
      take: (items) => taken.push([...items]),
      schedule: (callback) => scheduled.push(callback),
      max: 2,
    });
    expect(batch.add(1)).toBeUndefined();
    const rest = batch.add(2);
    expect(rest).toBeInstanceOf(Promise);
    expect(scheduled).toHaveLength(1);
    scheduled[0]?.();
    await rest;
    batch.flush();
    expect(taken).toEqual([[1, 2]]);
  });

  it("goes on when what takes it fails", async () => {
    const batch = new EventBatch<number>({
      take: () => {
        throw new Error("no");
      },
      schedule: () => {},
      max: 1,
    });
    const rest = batch.add(1);
    expect(() => batch.flush()).toThrow("no");
    await expect(rest).resolves.toBeUndefined();
  });
});

describe("the clock", () => {
  it("ticks only while somebody looks", () => {
    let [time, timers]: [number, number] = [1_000, 0];
    let tick = () => {};
    const clock = createClock({
      now: () => time,
      everySecond: (callback) => {
        timers++;
        tick = callback;
        return () => timers--;
      },
    });
    expect(timers).toBe(0);
    time = 2_000;
    const seen: number[] = [];
    const stop = effect(() => void seen.push(clock.value));
    const stopOther = effect(() => void clock.value);
    expect(timers).toBe(1);
    time = 3_000;
    tick();
    expect(seen.at(-1)).toBe(3_000);
    stop();
    expect(timers).toBe(1);
    stopOther();
    expect(timers).toBe(0);
  });
});
