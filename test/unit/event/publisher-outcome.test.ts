import { describe, expect, it } from "vitest";
import type { EventOutcome } from "../../../src/event/event-outcome.ts";
import type { EventPublisher } from "../../../src/event/publisher.ts";
import { createMemoryEventLog } from "../../../src/event-log/memory.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { createLogWith, createPublisherRig, createRecordingSink } from "../../fixtures/publisher-rig.ts";

const event = (id: string) => exampleEvent("orchestra.error", id);

/** Publishes events and gathers what became of them, in the order in which it was told. */
function publishAll(publisher: EventPublisher, ...ids: string[]): [id: string, outcome: EventOutcome][] {
  const told: [string, EventOutcome][] = [];
  for (const id of ids) publisher.publish(event(id), (outcome) => told.push([id, outcome]));
  return told;
}

describe("what became of an event is told to who asked when publishing it", () => {
  it("once the log has answered and every sink has seen it", () => {
    const sink = createRecordingSink();
    const { publisher, turn } = createPublisherRig({ sinks: [sink] });
    const seen: string[][] = [];
    publisher.publish(event("1"), () => seen.push([...sink.ids]));
    publisher.publish(event("2"));
    expect(seen).toEqual([]);
    turn();
    expect(seen).toEqual([["1"]]);
  });

  it("whether the log took it or held its id", () => {
    const { publisher, turn } = createPublisherRig();
    const told = publishAll(publisher, "1", "2", "1");
    turn();
    const again = publishAll(publisher, "2");
    turn();
    expect(told).toEqual([
      ["1", "appended"],
      ["2", "appended"],
      ["1", "duplicate"],
    ]);
    expect(again).toEqual([["2", "duplicate"]]);
  });

  it("each time, also for the same object published twice", () => {
    const { publisher, turn } = createPublisherRig();
    const told: EventOutcome[] = [];
    const twice = event("1");
    for (let time = 0; time < 2; time++) publisher.publish(twice, (outcome) => told.push(outcome));
    turn();
    expect(told).toEqual(["appended", "duplicate"]);
  });

  it.each<["throws" | "rejects", () => never | Promise<never>]>([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("disk full"))],
  ])("also when the log's append %s", async (_, append) => {
    const { publisher } = createPublisherRig({ log: createLogWith({ append }) });
    const told = publishAll(publisher, "1", "2");
    await publisher.flush();
    expect(told).toEqual([
      ["1", "append_failed"],
      ["2", "append_failed"],
    ]);
  });

  it("also when it cannot be read at all", () => {
    const { publisher, turn } = createPublisherRig();
    const unreadable = Object.defineProperty(event("1"), "data", {
      enumerable: true,
      get: () => {
        throw new Error("getter");
      },
    });
    const told: EventOutcome[] = [];
    publisher.publish(unreadable, (outcome) => told.push(outcome));
    turn();
    expect(told).toEqual(["not_encodable"]);
  });

  it("when an asynchronous log answers, and not before", async () => {
    const memory = createMemoryEventLog();
    const answer = Promise.withResolvers<void>();
    const log = createLogWith({ append: (batch) => answer.promise.then(() => memory.append(batch)) });
    const { publisher, turn } = createPublisherRig({ log });
    const told = publishAll(publisher, "1");
    turn();
    await Promise.resolve();
    expect(told).toEqual([]);
    answer.resolve();
    await publisher.flush();
    expect(told).toEqual([["1", "appended"]]);
  });

  it("at once when there is no room for it, or no publisher any more", async () => {
    const { publisher, turn } = createPublisherRig({ maxPending: 1 });
    const told = publishAll(publisher, "1", "2");
    expect(told).toEqual([["2", "queue_full"]]);
    turn();
    await publisher.shutdown();
    expect(publishAll(publisher, "3")).toEqual([["3", "closed"]]);
  });

  it("although another one's callback throws", () => {
    const { publisher, turn, errors } = createPublisherRig();
    publisher.publish(event("1"), () => {
      throw new Error("callback");
    });
    const told = publishAll(publisher, "2");
    turn();
    expect(told).toEqual([["2", "appended"]]);
    expect(errors).toEqual([["outcome", expect.objectContaining({ message: "callback" })]]);
  });
});
