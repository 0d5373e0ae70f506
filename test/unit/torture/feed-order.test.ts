import { describe, expect, it } from "vitest";
import { FeedOrder, placeOf } from "../../torture/feed-order.ts";

function orderOf(start: string | undefined, ...frames: string[]): FeedOrder {
  const order = new FeedOrder(start === undefined ? undefined : placeOf(start));
  for (const frame of frames) {
    const [kind, cursor] = frame.split(" ") as [string, string];
    if (kind === "resync") order.resync();
    else if (kind === "beat") order.heartbeat(placeOf(cursor));
    else order.event(placeOf(cursor));
  }
  return order;
}

describe("the order of a feed", () => {
  it.each([
    ["from now on", undefined, ["event e-7", "event e-8"]],
    ["from a heartbeat on", undefined, ["beat e-6", "event e-7"]],
    ["from a cursor on", "e-6", ["event e-7", "beat e-7", "event e-8"]],
    ["after a resync", "e-6", ["resync", "event f-3", "event f-4"]],
  ])("is whole when nothing is missing %s", (_, start, frames) => {
    expect(orderOf(start, ...frames)).toMatchObject({ holes: 0, doubles: 0 });
  });

  it.each([
    ["events left out", "e-6", ["event e-9"], { holes: 2, doubles: 0 }],
    ["events that only a heartbeat tells of", "e-6", ["event e-7", "beat e-10"], { holes: 3, doubles: 0 }],
    ["an event twice", "e-6", ["event e-7", "event e-7"], { holes: 0, doubles: 1 }],
    ["an event that comes late", "e-6", ["event e-8", "event e-7"], { holes: 1, doubles: 1 }],
    ["a heartbeat that goes back", "e-6", ["event e-7", "event e-8", "beat e-6"], { holes: 0, doubles: 2 }],
    ["another history without a resync", "e-6", ["event f-7"], { holes: 1, doubles: 0 }],
  ])("finds %s", (_, start, frames, found) => {
    expect(orderOf(start, ...frames)).toMatchObject(found);
  });

  it("counts events and resyncs, and knows its place", () => {
    const order = orderOf(undefined, "event e-1", "resync", "event f-5");
    expect(order).toMatchObject({ events: 2, resyncs: 1, place: { epoch: "f", sequence: 5 } });
  });
});
