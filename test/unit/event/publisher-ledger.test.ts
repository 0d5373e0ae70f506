import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OrchestratorEventType } from "../../../src/event/event.ts";
import type { EventLog } from "../../../src/event/event-log.ts";
import type { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { createLogWith, createPublisherRig, createRecordingSink } from "../../fixtures/publisher-rig.ts";

type Step = { publish: string; type: OrchestratorEventType } | "turn" | "settle" | "flush" | "shutdown";

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        publish: fc.constantFrom("a", "b", "c", "", "", ""),
        type: fc.constantFrom<OrchestratorEventType>("orchestra.job.progress", "orchestra.job.created"),
      }),
    },
    { weight: 4, arbitrary: fc.constantFrom<Step>("turn", "settle", "flush") },
    { weight: 1, arbitrary: fc.constant<Step>("shutdown") },
  ),
  { maxLength: 60 },
);

/** How the log answers each append, in turn. */
const answers = fc.array(fc.constantFrom("now", "later", "throws", "rejects"), { minLength: 1 });

function balanced(publisher: EventPublisher, published: number): void {
  const { made, appended, duplicates, pending, dropped } = publisher.stats();
  expect(made).toBe(published);
  const lost = dropped.queue_full + dropped.append_failed + dropped.not_encodable + dropped.closed;
  expect(appended + duplicates + pending + lost).toBe(made);
}

function createMoodyLog(moods: readonly string[]): EventLog {
  const memory = createMemoryEventLog({ epoch: "e" });
  let appends = 0;
  const append: EventLog["append"] = (batch) => {
    const mood = moods[appends++ % moods.length];
    if (mood === "throws") throw new Error(mood);
    if (mood === "rejects") return Promise.reject(new Error(mood));
    return mood === "later" ? Promise.resolve().then(() => memory.append(batch)) : memory.append(batch);
  };
  // It outlives the shutdown, to be read at the end.
  return createLogWith({ append, close: async () => {} }, memory);
}

describe("the ledger of events", () => {
  it.each([
    ["at once", "now"],
    ["later", "later"],
  ])("holds inside a handler too, with a log that answers %s", async (_when, mood) => {
    const { publisher } = createPublisherRig({ log: createMoodyLog([mood]) });
    const pending: number[] = [];
    publisher.on(() => {
      balanced(publisher, 4);
      pending.push(publisher.stats().pending);
    });
    const unencodable = Object.assign({ ...exampleEvent("orchestra.error") }, { toJSON: () => {} });
    for (const id of ["1", "2", "1"]) publisher.publish(exampleEvent("orchestra.error", id));
    publisher.publish(unencodable);
    await publisher.flush();
    expect(pending).toEqual([2, 1]);
    expect(publisher.stats()).toMatchObject({ appended: 2, duplicates: 1, handlers: { failed: 0 } });
  });

  it("always holds: made = appended + duplicates + pending + dropped, and each appended one is seen once", async () => {
    await fc.assert(
      fc.asyncProperty(steps, answers, async (sequence, moods) => {
        const log = createMoodyLog(moods);
        const sink = createRecordingSink();
        const { publisher, turn } = createPublisherRig({ log, sinks: [sink], maxPending: 3 });
        const actions = {
          turn,
          settle: () => new Promise(setImmediate),
          flush: () => publisher.flush(),
          shutdown: () => void publisher.shutdown(),
        };
        let published = 0;
        for (const step of sequence) {
          if (typeof step === "string") await actions[step]();
          else {
            publisher.publish(exampleEvent(step.type, step.publish));
            published++;
          }
          balanced(publisher, published);
        }
        await publisher.flush();
        balanced(publisher, published);
        expect(publisher.stats().pending).toBe(0);
        expect(sink.records).toEqual((await log.read()).records);
        expect(sink.records).toHaveLength(publisher.stats().appended);
      }),
      { numRuns: 100 },
    );
  });
});
