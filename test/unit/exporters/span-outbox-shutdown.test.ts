import { describe, expect, it } from "vitest";
import { openMemoryStore } from "../../../src/store/memory-store.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

describe("the shutdown", () => {
  it("delivers what waits", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(700);
    await outbox.shutdown();
    expect(receivedNames(receiver)).toEqual(names(700));
    expect(outbox.stats()).toMatchObject({ exported: 700, pending: 0, bytes: 0 });
  });

  it.each(["hang", "503", "refuse"] as const)(
    "keeps its deadline when the receiver's way is %s, and leaves the rest on disk",
    async (mode) => {
      const receiver = await openReceiver();
      const store = await openTestStore();
      await receiver.behave(mode);
      const { outbox, end } = await createOutboxRig({ url: receiver.url, store });
      end(700);
      const begin = performance.now();
      await outbox.shutdown({ deadlineMs: 50 });
      expect(performance.now() - begin).toBeLessThan(500);
      expect(outbox.stats()).toMatchObject({
        ended: 700,
        exported: 0,
        pending: 700,
        nextAttemptAt: undefined,
      });
      expect(expectBalance(outbox)).toBe(0);
      await receiver.behave("ok");
      const next = await createOutboxRig({ url: receiver.url, store });
      await receiver.until(() => receiver.spans.length === 700);
      await next.outbox.shutdown();
      expect(receivedNames(receiver)).toEqual(names(700));
    },
  );

  it("does not wait for its deadline when a request fails", async () => {
    const { outbox, end } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    end(1);
    await outbox.shutdown({ deadlineMs: 60_000 });
    expect(outbox.stats().pending).toBe(1);
  });

  it("gives up, and counts, what only this process's memory kept", async () => {
    const warnings: string[] = [];
    const onWarning = (text: string) => void warnings.push(text);
    const store = await openMemoryStore();
    const { outbox, end } = await createOutboxRig({ url: "http://127.0.0.1:1", store, onWarning });
    end(3);
    await outbox.shutdown();
    expect(outbox.stats()).toMatchObject({ ended: 3, exported: 0, pending: 0, dropped: { shutdown: 3 } });
    expect(expectBalance(outbox)).toBe(3);
    expect(warnings).toEqual([expect.stringContaining("They stay in memory until they can")]);
  });

  it("happens once", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(1);
    await Promise.all([outbox.shutdown(), outbox.shutdown()]);
    await outbox.shutdown();
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(["0"]);
  });

  it("counts what ends afterwards", async () => {
    const { outbox, end } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    await outbox.shutdown();
    end(2);
    expect(outbox.stats()).toMatchObject({ ended: 2, pending: 0, dropped: { closed: 2 } });
    expectBalance(outbox);
  });

  it("stays quiet when the store was closed before", async () => {
    const store = await openTestStore();
    const { outbox, end, time, warnings } = await createOutboxRig({ url: "http://127.0.0.1:1", store });
    end(2);
    time.advance(10);
    expect(outbox.stats().bytes).toBeGreaterThan(0);
    store.close();
    await outbox.shutdown();
    const { bytes, pending } = outbox.stats();
    expect({ hasBytes: bytes > 0, pending }).toEqual({ hasBytes: true, pending: 2 });
    expect(warnings.length).toBeLessThanOrEqual(2);
  });

  it("lets no timer and no listener live on", async () => {
    const listeners = process.listenerCount("exit");
    const { outbox, end, time } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    end(1);
    time.advance(10);
    expect(process.listenerCount("exit")).toBe(listeners + 1);
    await outbox.shutdown();
    expect(process.listenerCount("exit")).toBe(listeners);
    expect(time.waiting()).toEqual([]);
  });
});
