import { afterEach, describe, expect, it } from "vitest";
import type { OrchestratorEvent } from "../../../src/event/event.ts";
import {
  droppedBeforeStart,
  onOrchestratorEvent,
  publishOrchestratorEvent,
  takeSharedSeat,
} from "../../../src/event/orchestrator-events.ts";
import { exampleEvent } from "../../fixtures/event-examples.ts";
import { createPublisherRig } from "../../fixtures/publisher-rig.ts";
import { thrownBy } from "../../fixtures/thrown.ts";

const event = (id: string) => exampleEvent("orchestra.error", id);
const cleanUp: (() => void)[] = [];

/** A telemetry in the shared seat until the test's end, and what the seat said. */
function seat() {
  const rig = createPublisherRig();
  const leave = takeSharedSeat(rig.publisher);
  cleanUp.push(leave);
  return { ...rig, leave };
}

/** Hears the shared feed until the test's end. */
function listen(): { heard: string[]; off: () => void } {
  const heard: string[] = [];
  const off = onOrchestratorEvent(({ id }, record) => heard.push(`${id} ${record.cursor}`));
  cleanUp.push(off);
  return { heard, off };
}

afterEach(() => {
  for (const end of cleanUp.splice(0)) end();
  // Whatever a test left waiting is not for the next.
  takeSharedSeat(createPublisherRig().publisher)();
});

describe("the process's shared feed", () => {
  it("is that of the telemetry in the seat, heard once it is in the log", () => {
    const { heard } = listen();
    const { turn } = seat();
    const later = listen();
    publishOrchestratorEvent(event("1"));
    expect(heard).toEqual([]);
    turn();
    expect(heard).toEqual(["1 e-1"]);
    expect(later.heard).toEqual(["1 e-1"]);
  });

  it("is one for all copies of this code in the process", async () => {
    const place = "../../../src/event/orchestrator-events.ts?another-copy";
    const other = (await import(place)) as { publishOrchestratorEvent: typeof publishOrchestratorEvent };
    expect(other.publishOrchestratorEvent).not.toBe(publishOrchestratorEvent);
    const { heard } = listen();
    const { turn } = seat();
    other.publishOrchestratorEvent(event("1"));
    turn();
    expect(heard).toEqual(["1 e-1"]);
  });

  it("keeps what comes before the first telemetry", () => {
    const { heard } = listen();
    for (const id of ["1", "2"]) publishOrchestratorEvent(event(id));
    const { turn } = seat();
    publishOrchestratorEvent(event("3"));
    turn();
    expect(heard).toEqual(["1 e-1", "2 e-2", "3 e-3"]);
  });

  it("keeps the last 1,000, and counts what it drops", () => {
    const before = droppedBeforeStart();
    for (let id = 0; id < 1_002; id++) publishOrchestratorEvent(event(String(id)));
    expect(droppedBeforeStart()).toBe(before + 2);
    const { turn, publisher } = seat();
    const { heard } = listen();
    turn();
    expect(publisher.stats().made).toBe(1_000);
    expect([heard[0], heard.at(-1)]).toEqual(["2 e-1", "1001 e-1000"]);
  });

  it("may be left before there is any telemetry", () => {
    const { heard, off } = listen();
    off();
    const { turn } = seat();
    publishOrchestratorEvent(event("1"));
    turn();
    expect(heard).toEqual([]);
  });

  it("has one seat: who comes second is not heard until the first has left", () => {
    const { heard } = listen();
    const first = seat();
    const second = seat();
    publishOrchestratorEvent(event("1"));
    expect([first.publisher.stats().made, second.publisher.stats().made]).toEqual([1, 0]);
    first.leave();
    publishOrchestratorEvent(event("2"));
    expect([first.publisher.stats().made, second.publisher.stats().made]).toEqual([1, 1]);
    second.turn();
    expect(heard).toEqual(["2 e-1"]);
  });

  it("passes over who stopped waiting for the seat", () => {
    const [first, second, third] = [seat(), seat(), seat()];
    second.leave();
    first.leave();
    publishOrchestratorEvent(event("1"));
    expect([second, third].map(({ publisher }) => publisher.stats().made)).toEqual([0, 1]);
  });

  it("goes on with the next telemetry when the first has left", () => {
    const { heard, off } = listen();
    const first = seat();
    first.leave();
    first.publisher.publish(event("unheard"));
    first.turn();
    publishOrchestratorEvent(event("1"));
    const second = seat();
    first.leave();
    second.turn();
    expect(heard).toEqual(["1 e-1"]);
    off();
    publishOrchestratorEvent(event("2"));
    second.turn();
    expect(heard).toEqual(["1 e-1"]);
  });

  it.each(["empty", "taken"])("refuses what is no event, with the seat %s", (state) => {
    if (state === "taken") seat();
    const bad = { type: "nothing" } as unknown as OrchestratorEvent;
    expect(thrownBy(() => publishOrchestratorEvent(bad)).path).toBe("type");
    expect(thrownBy(() => onOrchestratorEvent(7 as never)).path).toBe("handler");
  });
});
