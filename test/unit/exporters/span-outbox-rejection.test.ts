import { describe, expect, it } from "vitest";
import type { ScriptedReply } from "../../fixtures/otlp-receiver.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

const json = { "content-type": "application/json" };
const protobuf = { "content-type": "application/x-protobuf" };

/** `partial_success { rejected_spans: 2, error_message: "no" }` */
const PARTIAL = Buffer.from([10, 6, 8, 2, 18, 2, 110, 111]);

describe("a request that the receiver will never take", () => {
  it.each([400, 413, 415, 422, 431])("becomes a dead letter after status %i", async (status) => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { outbox, end, warnings } = await createOutboxRig({ url: receiver.url, store });
    receiver.script({ status, headers: { "content-type": "text/plain" }, body: "bad span" });
    end(1);
    await outbox.forceFlush();
    const reason = `HTTP ${status}: bad span`;
    expect(outbox.stats()).toMatchObject({
      exported: 0,
      pending: 0,
      dropped: { rejected: 1 },
      lastError: reason,
      deadLetters: { spans: 1 },
      bytes: 0,
    });
    expect(outbox.stats().deadLetters.bytes).toBeGreaterThan(0);
    expect(store.prepare("SELECT reason, spans, protocol FROM span_dead_letter").all()).toEqual([
      { reason, spans: 1, protocol: "http/json" },
    ]);
    expect(warnings).toEqual([
      `Spans are rejected by ${receiver.url}: ${reason}. They are kept as dead letters.`,
    ]);
    end(1);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(["1"]);
  });

  it("costs only the span that it is about", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    receiver.refuses = ({ spans }) => (spans.some(({ name }) => name === "2") ? 400 : undefined);
    end(8);
    await outbox.forceFlush();
    // The chunk; the half of its spans; of the rest a quarter, and so on; then more again each time.
    expect(receiver.requests.map(({ spans }) => spans.length)).toEqual([8, 4, 2, 4, 2, 1, 1, 2, 2]);
    expect(receivedNames(receiver)).toEqual(["0", "1", "3", "4", "5", "6", "7"]);
    expect(outbox.stats().dropped.rejected).toBe(1);
    expectBalance(outbox);
  });

  it("is told of once", async () => {
    const receiver = await openReceiver();
    const { outbox, end, warnings } = await createOutboxRig({ url: receiver.url });
    for (const status of [400, 200, 400]) {
      receiver.script({ status });
      end(1);
      await outbox.forceFlush();
    }
    expect(outbox.stats()).toMatchObject({ exported: 1, dropped: { rejected: 2 } });
    expect(warnings).toHaveLength(1);
  });
});

describe("dead letters", () => {
  it("are bounded, the oldest removed", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    const { outbox, end } = await createOutboxRig({ url: receiver.url, store, maxDeadLetterBytes: 2_000 });
    for (let i = 0; i < 20; i++) {
      receiver.script({ status: 400 });
      end(1);
      await outbox.forceFlush();
    }
    const { deadLetters, dropped } = outbox.stats();
    expect(dropped.rejected).toBe(20);
    expect(deadLetters.bytes).toBeLessThanOrEqual(2_000);
    expect(deadLetters.spans).toBeGreaterThan(0);
    const bodies = store.prepare("SELECT body FROM span_dead_letter ORDER BY id DESC LIMIT 1").all();
    expect(Buffer.from(bodies[0]?.body as Uint8Array).toString()).toContain('"name":"19"');
  });

  it("may not be kept at all", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url, maxDeadLetterBytes: 0 });
    receiver.script({ status: 400 });
    end(1);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ dropped: { rejected: 1 }, deadLetters: { spans: 0, bytes: 0 } });
  });
});

describe("a partial success", () => {
  it.each<[string, ScriptedReply]>([
    [
      "JSON",
      {
        status: 200,
        headers: json,
        body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}',
      },
    ],
    ["protobuf", { status: 200, headers: protobuf, body: PARTIAL }],
  ])("in %s counts what was left out, which is not sent again", async (_encoding, reply) => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    receiver.script(reply);
    end(5);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({
      exported: 3,
      pending: 0,
      dropped: { partial_rejected: 2 },
      lastError: "2 spans rejected: no",
    });
    await outbox.forceFlush();
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([
    ["9", 5],
    ["-1", 0],
    ['"many"', 0],
  ])("that rejects %s of 5 counts %i", async (rejected, counted) => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    receiver.script({ status: 200, headers: json, body: `{"partialSuccess":{"rejectedSpans":${rejected}}}` });
    end(5);
    await outbox.forceFlush();
    expect(outbox.stats().dropped.partial_rejected).toBe(counted);
    expectBalance(outbox);
  });
});

describe("a split batch", () => {
  it("grows again once the receiver takes what it holds", async () => {
    const receiver = await openReceiver();
    const { outbox, endApart } = await createOutboxRig({ url: receiver.url });
    endApart(4);
    receiver.script({ status: 413 });
    await outbox.forceFlush();
    endApart(4);
    await outbox.forceFlush();
    expect(receiver.requests.map(({ spans }) => spans.length)).toEqual([4, 2, 2, 4]);
    expect(receivedNames(receiver)).toEqual(names(8));
  });
});
