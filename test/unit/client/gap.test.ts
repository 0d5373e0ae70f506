import { expect, it } from "vitest";
import * as sent from "../../../exporters/sse-frame.ts";
import { LATER_EVENT, RESYNC_EVENT } from "../../../src/client/feed.ts";
import type { Gap } from "../../../src/client/index.ts";
import { createClient, eventFrame, heartbeat, quiet, resyncFrame } from "./client-rig.ts";

it("is told by the frame that the bridge sends", () => {
  expect([RESYNC_EVENT, LATER_EVENT]).toEqual([sent.RESYNC_EVENT, sent.LATER_EVENT]);
});

it("is not what a newer bridge may say about the stream", async () => {
  const { request, told, errors, until } = createClient();
  (await request(0)).stream(`event: orchestra.stream.paced\ndata: {}\n\n${eventFrame(1)}`);
  await until(() => told.length === 1);
  expect([told, errors]).toEqual([["1"], []]);
});

it("is told with what is known, and what is left follows", async () => {
  const gaps: Gap[] = [];
  const { request, told, until, connection } = createClient({ from: "e-1", onGap: (gap) => gaps.push(gap) });
  (await request(0)).stream(resyncFrame());
  await until(() => gaps.length === 1);
  expect(gaps).toEqual([{ reason: "evicted", requested: "e-1", oldest: "e-8", latest: "e-9" }]);
  expect(connection.cursor).toBe("oldest");
  (await request(0)).send(eventFrame(8));
  await until(() => told.length === 1);
  expect(connection.cursor).toBe("e-8");
});

it("is told in its place, be it in the middle of a stream", async () => {
  const { request, told, until } = createClient();
  (await request(0)).stream(eventFrame(1) + resyncFrame("epoch") + eventFrame(2, { cursor: "f-1" }));
  await until(() => told.length === 3);
  expect(told).toEqual(["1", "gap epoch", "2"]);
});

it("is not told twice when the connection is lost right after it", async () => {
  const { request, told, until, time } = createClient({ from: "e-1" });
  (await request(0)).stream(resyncFrame()).end();
  await until(() => told.length === 1);
  await quiet();
  time.advance(500);
  expect((await request(1)).query).toBe("?after=oldest");
});

it("is told even if the bridge does not say more", async () => {
  const gaps: Gap[] = [];
  const { request, until } = createClient({ from: "e-1", onGap: (gap) => gaps.push(gap) });
  (await request(0)).stream("event: orchestra.stream.resync\ndata: ?\n\n");
  await until(() => gaps.length === 1);
  expect(gaps).toEqual([{ reason: "malformed", requested: "e-1", oldest: null, latest: null }]);
});

it("with snapshots, is followed by a new one and nothing in between", async () => {
  const { request, told, until, time } = createClient({ records: ["event", "snapshot"], from: "e-1" });
  (await request(0)).stream(eventFrame(2) + resyncFrame() + eventFrame(8));
  await until(() => told.length === 2);
  await quiet();
  expect((await request(0)).isAborted).toBe(true);
  time.advance(500);
  (await request(1)).json({ jobs: [], cursor: "e-9" });
  (await request(2)).stream(heartbeat(9) + eventFrame(10));
  await until(() => told.length === 4);
  expect(told).toEqual(["2", "gap evicted", "snapshot e-9: ", "10"]);
});

it("with snapshots, does not ask for them without a pause", async () => {
  const { request, time } = createClient({ onSnapshot: () => {} });
  const pauses: number[] = [];
  for (let n = 0; n < 6; n += 2) {
    (await request(n)).json({ jobs: [], cursor: "e-1" });
    (await request(n + 1)).stream(resyncFrame());
    await quiet();
    pauses.push(...time.waiting());
    time.advance(pauses.at(-1) ?? 0);
  }
  expect(pauses).toEqual([500, 1_000, 2_000]);
});

it("is told when an event is too long to be read, and the feed goes on", async () => {
  const { request, told, until, connection } = createClient({ from: "e-1" });
  const chunk = "x".repeat(1024 * 1024);
  const feed = (await request(0)).stream(eventFrame(2)).send("id: e-3\nevent: orchestra.error\ndata: ");
  for (let sent = 0; sent < 17; sent++) feed.send(chunk);
  feed.send(`\n\n${eventFrame(4)}`);
  await until(() => told.length === 3);
  expect(told).toEqual(["2", "gap oversized", "4"]);
  expect(connection.cursor).toBe("e-4");
});
