import { expect, it, onTestFinished } from "vitest";
import { FeedReader } from "../../../src/client/feed.ts";
import { createManualSchedule } from "../../fixtures/manual-schedule.ts";
import { eventFrame, heartbeat, listenedSignal, quiet } from "./client-rig.ts";

function read(answer: () => Response) {
  const { signal, controller } = listenedSignal();
  const time = createManualSchedule();
  const reader = new FeedReader({
    url: "http://bridge",
    withSnapshots: false,
    signal,
    schedule: time.schedule,
    random: () => 1,
    fetch: async () => answer(),
  });
  onTestFinished(() => controller.abort());
  return { items: reader.items(), signal, time };
}

it("tells of an event and its place at once, and of a place alone by itself", async () => {
  const headers = { "content-type": "text/event-stream" };
  const { items } = read(() => new Response(eventFrame(1) + heartbeat(2), { headers }));
  const kinds: string[] = [];
  for (let n = 0; n < 4; n++) kinds.push((await items.next()).value?.kind ?? "");
  expect(kinds).toEqual(["state", "state", "event", "place"]);
});

it("listens to its signal no more often, however many connections it has made", async () => {
  const { items, signal, time } = read(() => new Response(null, { status: 503 }));
  for (let n = 0; n < 20; n++) {
    const next = items.next();
    await quiet();
    time.advance(60_000);
    await next;
  }
  expect(signal.listeners).toBeLessThanOrEqual(1);
});
