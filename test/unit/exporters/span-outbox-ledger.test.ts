import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import type { ScriptedReply } from "../../fixtures/otlp-receiver.ts";
import { createOutboxRig, expectBalance, openReceiver } from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

async function openStage() {
  const receiver = await openReceiver();
  const disk = await openTestStore();
  const store = createFaultyStore(disk);
  const rig = await createOutboxRig({
    url: receiver.url,
    store,
    timeoutMs: 20,
    maxBytes: 60_000,
    maxUnsavedSpans: 200,
    maxBatchSpans: 64,
    concurrency: 2,
  });
  return { ...rig, receiver, store, disk };
}

type Stage = Awaited<ReturnType<typeof openStage>>;
type Step = (stage: Stage) => unknown;

const partial: ScriptedReply = {
  status: 200,
  headers: { "content-type": "application/json" },
  body: '{"partialSuccess":{"rejectedSpans":3}}',
};
const reply = fc.constantFrom<ScriptedReply>(
  { status: 200 },
  { status: 503 },
  { status: 400 },
  { status: 429, headers: { "retry-after": "3" } },
  partial,
  "reset",
  "half-close",
  "garbage",
  "hang",
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 1, max: 120 }).map(
    (count): Step =>
      ({ end }) =>
        end(count),
  ),
  fc.constantFrom(1, 10, 1_000, 30_000).map(
    (ms): Step =>
      ({ time }) =>
        time.advance(ms),
  ),
  fc.array(reply, { maxLength: 4 }).map(
    (replies): Step =>
      ({ receiver }) =>
        receiver.script(...replies),
  ),
  fc.constantFrom<Step>(
    ({ outbox }) => outbox.forceFlush(),
    ({ outbox }) => void outbox.forceFlush(),
    ({ disk }) => disk.transaction(() => {}),
    (stage) => {
      stage.store.fault = /INSERT|BEGIN/;
    },
    (stage) => {
      stage.store.fault = undefined;
    },
  ),
);

describe("the ledger of spans", () => {
  it("balances whatever happens: ended = exported + pending + dropped", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const stage = await openStage();
      for (const act of steps) {
        await act(stage);
        expectBalance(stage.outbox);
      }
      stage.store.fault = undefined;
      await stage.outbox.shutdown({ deadlineMs: 5 });
      const lost = expectBalance(stage.outbox);
      const { ended, exported, pending } = stage.outbox.stats();
      const onDisk = stage.store.prepare("SELECT coalesce(sum(spans), 0) AS spans FROM span_chunk").get();
      expect(onDisk?.spans).toBe(pending);
      expect(ended - lost - pending).toBe(exported);
      // What the receiver has and we do not know of, it will have twice; it never has less.
      expect(stage.receiver.spans.length).toBeGreaterThanOrEqual(exported);
    });
    await fc.assert(property, { numRuns: 30 });
  });
});
