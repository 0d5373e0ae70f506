import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
  storeFile,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

const NOWHERE = "http://127.0.0.1:1";
const LOOK_MS = 10_000;

/** Leaves spans behind in a queue whose holder looks like another process. */
async function leaveSpans(store: Store, count: number, holder: string | null): Promise<void> {
  const { outbox, end } = await createOutboxRig({ url: NOWHERE, store });
  end(count);
  await outbox.shutdown();
  store.prepare("UPDATE span_queue SET holder = ? WHERE holder IS NULL").run(holder);
}

const setQueue = (store: Store, column: string, value: string | number) =>
  store.prepare(`UPDATE span_queue SET ${column} = ?`).run(value);

const rows = (store: Store, table: string) =>
  Number(store.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);

describe("what a shutdown leaves on disk", () => {
  it("is delivered by the next outbox, and counted as inherited", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    await leaveSpans(store, 3, null);
    await leaveSpans(store, 200, null);
    const { outbox, end } = await createOutboxRig({ url: receiver.url, store, maxBatchSpans: 64 });
    expect(outbox.stats().inherited).toMatchObject({ found: 203, exported: 0, pending: 203 });
    end(1);
    await receiver.until(() => receiver.spans.length === 203);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ ended: 1, exported: 1, inherited: { exported: 203, pending: 0 } });
    expectBalance(outbox);
    await outbox.shutdown();
    expect([rows(store, "span_chunk"), rows(store, "span_queue")]).toEqual([0, 0]);
  });

  it("is counted by what became of it", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    await leaveSpans(store, 3, null);
    receiver.refuses = ({ spans }) => (spans.some(({ name }) => name === "1") ? 400 : undefined);
    const { outbox } = await createOutboxRig({ url: receiver.url, store });
    await outbox.shutdown();
    expect(outbox.stats().inherited).toMatchObject({ exported: 2, pending: 0, dropped: { rejected: 1 } });
    expectBalance(outbox);
  });

  it("leaves no trace once it is delivered, while the outbox goes on", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    await leaveSpans(store, 3, null);
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url, store });
    end(1);
    await receiver.until(() => receiver.spans.length === 3);
    await outbox.forceFlush();
    time.advance(LOOK_MS);
    expect(rows(store, "span_queue")).toBe(1);
    expect(outbox.stats().inherited).toMatchObject({ found: 3, exported: 3, pending: 0 });
  });
});

describe("several outboxes on one file", () => {
  it("send every span once", async () => {
    const receiver = await openReceiver();
    const file = storeFile();
    const rigs = await Promise.all(
      [0, 1, 2].map(async () => createOutboxRig({ url: receiver.url, store: await openTestStore({ file }) })),
    );
    for (let round = 0; round < 10; round++) for (const { endApart } of rigs) endApart(1);
    for (const { time } of rigs) time.advance(LOOK_MS);
    await Promise.all(rigs.map(({ outbox }) => outbox.forceFlush()));
    expect(receivedNames(receiver)).toEqual([...names(10), ...names(10), ...names(10)].sort());
    for (const { outbox } of rigs) {
      expect(outbox.stats()).toMatchObject({ ended: 10, exported: 10, inherited: { found: 0 } });
    }
  });

  it("take over what another has given up meanwhile, but only one of them", async () => {
    const receiver = await openReceiver();
    const file = storeFile();
    const open = async (url: string) => createOutboxRig({ url, store: await openTestStore({ file }) });
    const [leaving, ...staying] = await Promise.all([open(NOWHERE), open(receiver.url), open(receiver.url)]);
    leaving.end(3);
    await leaving.outbox.shutdown();
    for (const { time } of staying) time.advance(LOOK_MS);
    await receiver.until(() => receiver.spans.length === 3);
    await Promise.all(staying.map(({ outbox }) => outbox.forceFlush()));
    expect(staying.map(({ outbox }) => outbox.stats().inherited.found).sort()).toEqual([0, 3]);
    expect(receivedNames(receiver)).toEqual(names(3));
  });
});

describe("a queue whose holder", () => {
  const found = async (store: Store, looks: number): Promise<number> => {
    const { outbox, time } = await createOutboxRig({ url: NOWHERE, store });
    time.advance(looks * LOOK_MS);
    return outbox.stats().inherited.found;
  };

  it("is a process that is gone, is taken over at once", async () => {
    const store = await openTestStore();
    await leaveSpans(store, 3, "dead");
    const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    await once(child, "exit");
    setQueue(store, "pid", child.pid as number);
    expect(await found(store, 0)).toBe(3);
  });

  it("is a process that lives, is left alone, however silent it is", async () => {
    const store = await openTestStore();
    await leaveSpans(store, 3, "alive");
    expect(await found(store, 10)).toBe(0);
  });

  it("is on another host, is taken over after three looks without a sign of life", async () => {
    const store = await openTestStore();
    await leaveSpans(store, 3, "elsewhere");
    setQueue(store, "host", "elsewhere");
    expect(await found(store, 2)).toBe(0);
    expect(await found(store, 3)).toBe(3);
  });

  it("is on another host and shows that it lives, is left alone", async () => {
    const store = await openTestStore();
    await leaveSpans(store, 3, "elsewhere");
    setQueue(store, "host", "elsewhere");
    const { outbox, time } = await createOutboxRig({ url: NOWHERE, store });
    for (let look = 0; look < 10; look++) {
      store.exec("UPDATE span_queue SET beat = beat + 1");
      time.advance(LOOK_MS);
    }
    expect(outbox.stats().inherited.found).toBe(0);
  });

  it("shows that it lives", async () => {
    const store = await openTestStore();
    const { end, time } = await createOutboxRig({ url: NOWHERE, store });
    end(1);
    time.advance(10);
    const beat = () => Number(store.prepare("SELECT beat FROM span_queue").get()?.beat);
    const before = beat();
    time.advance(LOOK_MS);
    expect(beat()).toBe(before + 1);
  });
});

describe("an outbox that was taken for dead", () => {
  it("counts what was taken from it, and goes on with a queue of its own", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url, store });
    end(3);
    time.advance(10);
    setQueue(store, "holder", "other");
    end(2);
    time.advance(10);
    expect(outbox.stats()).toMatchObject({ ended: 5, pending: 2, dropped: { vanished: 3 } });
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(["3", "4"]);
    expectBalance(outbox);
  });

  it.each([200, 400, 503])("leaves to the new holder what it had on its way to a %i", async (status) => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url, store });
    receiver.script({ status, after: promise });
    end(1);
    const flushed = outbox.forceFlush();
    await receiver.until(() => receiver.requests.length === 1);
    setQueue(store, "holder", "other");
    end(1);
    time.advance(10);
    await flushed;
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 1, dropped: { vanished: 1, rejected: 0 } });
    expect(rows(store, "span_chunk")).toBe(2);
    resolve();
    // Nothing is on its way any more then: the answer, whatever it was, has changed nothing.
    await outbox.shutdown();
    const { exported, pending, dropped } = outbox.stats();
    expect([exported + pending, dropped]).toMatchObject([1, { vanished: 1, rejected: 0 }]);
    expect(rows(store, "span_chunk")).toBe(1 + pending);
    expectBalance(outbox);
  });

  it("finds out when it delivers something", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { outbox, end } = await createOutboxRig({ url: receiver.url, store });
    receiver.script({ status: 200, after: promise });
    end(3);
    const flushed = outbox.forceFlush();
    await receiver.until(() => receiver.requests.length === 1);
    setQueue(store, "holder", "other");
    resolve();
    await flushed;
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ ended: 3, exported: 3, pending: 0 });
    expect(rows(store, "span_chunk")).toBe(1);
  });

  it("does not drop from the limit what is another's now", async () => {
    const store = await openTestStore();
    const { outbox, endApart, end, time } = await createOutboxRig({ url: NOWHERE, store, maxBytes: 1_200 });
    endApart(10);
    const kept = rows(store, "span_chunk");
    setQueue(store, "holder", "other");
    end(1);
    time.advance(10);
    expect(rows(store, "span_chunk")).toBe(kept);
    expectBalance(outbox);
  });
});

describe("chunks that somebody else removed", () => {
  it("are counted as vanished", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url, store });
    end(3);
    time.advance(10);
    store.exec("DELETE FROM span_chunk");
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ pending: 0, dropped: { vanished: 3 } });
    end(1);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(["3"]);
    expectBalance(outbox);
  });
});
