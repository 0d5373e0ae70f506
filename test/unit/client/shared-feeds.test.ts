import { describe, expect, it } from "vitest";
import type { FeedItem } from "../../../src/client/feed-item.ts";
import { FeedError } from "../../../src/client/index.ts";
import { receivedItem, type WorkerMessage } from "../../../src/client/shared-protocol.ts";
import { quiet } from "./client-rig.ts";
import { createWorker, event, gap, open, place } from "./worker-rig.ts";

describe("pages that read the same", () => {
  it("share one reading once they stand at the same place", async () => {
    const { readings, openPage, tell } = createWorker();
    const first = await openPage();
    await tell(0, open, place(1), event(2));
    const second = await openPage();
    await tell(1, open, place(2));
    expect(readings.map(({ isStopped }) => isStopped)).toEqual([false, true]);
    await tell(0, event(3));
    expect(first.told).toEqual(["open", "(e-1)", "e-2", "e-3"]);
    expect(second.told).toEqual(["open", "(e-2)", "e-3"]);
  });

  it("each read by themselves until then", async () => {
    const { readings, openPage, tell } = createWorker();
    await openPage();
    await tell(0, open, place(5));
    const second = await openPage({ from: "e-1" });
    expect(readings[1]?.options).toMatchObject({ from: "e-1" });
    await tell(1, open, event(2), place(4));
    await tell(0, event(6));
    expect(readings[1]?.isStopped).toBe(false);
    await tell(1, event(5), event(6));
    await tell(0, event(7));
    expect(readings[1]?.isStopped).toBe(true);
    expect(second.told).toEqual(["open", "e-2", "(e-4)", "e-5", "e-6", "e-7"]);
  });

  it("are not told again what they have read further than the others", async () => {
    const { openPage, tell } = createWorker();
    const first = await openPage();
    await tell(0, open, place(1));
    const second = await openPage();
    await tell(1, open, place(1), event(2), place(3));
    await tell(0, event(2), place(3), event(4));
    expect(first.told).toEqual(["open", "(e-1)", "e-2", "(e-3)", "e-4"]);
    expect(second.told).toEqual(["open", "(e-1)", "e-2", "(e-3)", "e-4"]);
  });

  it("do not share as long as a snapshot may have told more", async () => {
    const { readings, openPage, tell } = createWorker();
    await openPage({ withSnapshots: true });
    await tell(0, place(1));
    await openPage({ withSnapshots: true });
    await tell(1, { kind: "snapshot", snapshot: { jobs: [], cursor: "e-2" }, cursor: "e-2" }, event(3));
    expect(readings[1]?.isStopped).toBe(false);
    await tell(1, place(3));
    expect(readings[1]?.isStopped).toBe(true);
  });

  it("are told how the reading that they join is doing", async () => {
    const { openPage, tell } = createWorker();
    await openPage();
    const error = new FeedError("503 UNAVAILABLE: later", { status: 503, code: "UNAVAILABLE" });
    const waiting: FeedItem = { kind: "state", state: { state: "waiting", error, retryInMs: 500 } };
    await tell(0, place(1), waiting);
    const second = await openPage();
    await tell(1, open, place(1));
    expect(second.told).toEqual(["open", "(e-1)", "waiting"]);
    const [last] = second.messages.slice(-1) as Extract<WorkerMessage, { kind: "item" }>[];
    expect(receivedItem(last as never)).toEqual(waiting);
  });

  it("are all told of a gap, and of what comes after it", async () => {
    const { openPage, tell } = createWorker();
    await openPage();
    await tell(0, open, place(5));
    const second = await openPage();
    await tell(1, place(9));
    // A log that was put back to an earlier state counts on from there.
    await tell(0, event(6), gap, event(3));
    expect(second.told).toEqual(["(e-9)", "gap", "e-3"]);
  });

  it("are all told of an event that was too long, be it right after where they are", async () => {
    const { openPage, tell } = createWorker();
    await openPage();
    await tell(0, open, place(5));
    const second = await openPage();
    await tell(1, place(5));
    await tell(0, { ...gap, cursor: "e-5" }, event(7));
    expect(second.told).toEqual(["(e-5)", "gap", "e-7"]);
  });

  it("do not meet those who read something else", async () => {
    const { readings, openPage, tell } = createWorker();
    await openPage({ filters: { workerIds: ["a"] } });
    await openPage({ filters: { workerIds: ["b"] } });
    await openPage({ token: "secret" });
    for (const index of [0, 1, 2]) await tell(index, place(1));
    expect(readings.map(({ isStopped }) => isStopped)).toEqual([false, false, false]);
  });
});

describe("a page that leaves", () => {
  it("leaves the reading to the others", async () => {
    const { readings, openPage, tell } = createWorker();
    const first = await openPage();
    await tell(0, place(1));
    const second = await openPage();
    await tell(1, place(1));
    first.send({ kind: "close" });
    await tell(0, event(2));
    expect([first.isClosed, first.told, second.told]).toEqual([true, ["(e-1)"], ["(e-1)", "e-2"]]);
    second.send({ kind: "close" });
    second.send({ kind: "close" });
    expect(readings[0]?.isStopped).toBe(true);
  });

  it("stops its own reading", async () => {
    const { readings, openPage } = createWorker();
    const page = await openPage();
    page.send({ kind: "close" });
    expect(readings[0]?.isStopped).toBe(true);
  });

  it("makes room for a new reading, which an old one's end does not touch", async () => {
    const { readings, openPage, tell } = createWorker();
    const first = await openPage();
    first.send({ kind: "close" });
    await openPage();
    await tell(1, place(1));
    first.send({ kind: "close" });
    await openPage();
    await tell(2, place(1));
    expect(readings.map(({ isStopped }) => isStopped)).toEqual([true, false, true]);
  });
});

describe("a page that does not follow", () => {
  const burst = Array.from({ length: 1_200 }, (_, n) => event(n + 2));

  it("is sent a thousand items, and the rest once it has taken those", async () => {
    const { readings, openPage, tell } = createWorker();
    const slow = await openPage();
    await tell(0, place(1));
    const quick = await openPage();
    await tell(1, place(1));
    for (const item of burst) {
      await tell(0, item);
      quick.take();
    }
    expect([slow.messages.length, quick.messages.length]).toEqual([1_000, 1_201]);
    expect(readings).toHaveLength(2);
    slow.take();
    await quiet();
    expect(readings[2]?.options.from).toBe("e-1000");
    await tell(2, ...burst.slice(999), place(1_201));
    expect(readings[2]?.isStopped).toBe(true);
    expect(slow.told.slice(1).filter((text) => text.startsWith("e-"))).toEqual(
      burst.map((_, n) => `e-${n + 2}`),
    );
  });

  it("keeps nobody's connection when it is the last", async () => {
    const { readings, openPage, tell } = createWorker();
    const page = await openPage();
    await tell(0, place(1), ...burst);
    expect([page.messages.length, readings[0]?.isStopped]).toEqual([1_000, true]);
  });

  it("is not read for any further by itself either", async () => {
    const { readings, openPage, tell } = createWorker();
    const page = await openPage();
    await tell(0, ...burst);
    expect([page.messages.length, readings[0]?.isStopped]).toEqual([1_000, false]);
    page.take();
    await quiet();
    expect(page.messages).toHaveLength(1_200);
  });

  it("is forgotten when it leaves", async () => {
    const { readings, openPage, tell } = createWorker();
    const page = await openPage();
    await tell(0, place(1), ...burst);
    page.send({ kind: "close" });
    await quiet();
    expect(readings).toHaveLength(1);
  });
});

describe("a refusal", () => {
  const refusal = new FeedError("401 UNAUTHORIZED: no", { status: 401, code: "UNAUTHORIZED" });

  it("ends the page that reads by itself", async () => {
    const { readings, openPage } = createWorker();
    const page = await openPage();
    readings[0]?.refuse(refusal);
    await quiet();
    expect([page.told, page.isClosed]).toEqual([["refused UNAUTHORIZED"], true]);
  });

  it("ends all pages that share the reading", async () => {
    const { readings, openPage, tell } = createWorker();
    const pages = [await openPage()];
    await tell(0, place(1));
    pages.push(await openPage());
    await tell(1, place(1));
    readings[0]?.refuse(refusal);
    await quiet();
    expect(pages.map(({ told }) => told.at(-1))).toEqual(["refused UNAUTHORIZED", "refused UNAUTHORIZED"]);
  });
});
