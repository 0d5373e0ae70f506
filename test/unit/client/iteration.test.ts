import { expect, it } from "vitest";
import { createClient, eventFrame, quiet, resyncFrame, textOf } from "./client-rig.ts";

const records = [] as const;

it("yields the events, and leaving the loop closes the connection", async () => {
  const { connection, request, time } = createClient({ records });
  const seen: string[] = [];
  const feed = request(0).then((first) => first.stream(eventFrame(1) + eventFrame(2) + eventFrame(3)));
  for await (const event of connection) {
    seen.push(`${textOf(event)} ${connection.cursor}`);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(["1 e-1", "2 e-2"]);
  expect(await connection.closed).toBeUndefined();
  await quiet();
  expect([(await feed).isAborted, time.waiting()]).toEqual([true, []]);
});

it("asks for nothing until somebody reads", async () => {
  const { connection, requests } = createClient({ records });
  await quiet();
  expect(requests).toEqual([]);
  connection.close();
  expect(await connection.closed).toBeUndefined();
});

it("reads as far as it is read, and no further", async () => {
  const { connection, request, time } = createClient({ records });
  const iterator = connection[Symbol.asyncIterator]();
  const first = iterator.next();
  const feed = (await request(0)).stream(eventFrame(1));
  for (let n = 2; n < 1_000; n++) feed.send(eventFrame(n));
  await first;
  await quiet();
  expect([feed.reads, time.waiting()]).toEqual([1, []]);
  await iterator.next();
  expect(feed.reads).toBe(2);
});

it("tells the handlers in their place among the events", async () => {
  const { connection, request, told, until } = createClient({ records });
  const reading = (async () => {
    for await (const event of connection) told.push(textOf(event));
  })();
  (await request(0)).stream(eventFrame(1) + resyncFrame() + eventFrame(2));
  await until(() => told.length === 3);
  expect(told).toEqual(["1", "gap evicted", "2"]);
  connection.close();
  await reading;
});

it("ends quietly when it is closed", async () => {
  const controller = new AbortController();
  const { connection, request } = createClient({ records, signal: controller.signal });
  const iterator = connection[Symbol.asyncIterator]();
  const next = iterator.next();
  (await request(0)).stream();
  controller.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

it("throws why the bridge refused", async () => {
  const { connection, request } = createClient({ records });
  const iterator = connection[Symbol.asyncIterator]();
  const next = iterator.next();
  (await request(0)).json({ error: { code: "UNAUTHORIZED", message: "no" } }, 401);
  await expect(next).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

it("is for one loop, or for the handler", () => {
  const iterated = createClient({ records }).connection;
  iterated[Symbol.asyncIterator]();
  const pushed = createClient().connection;
  for (const connection of [iterated, pushed]) {
    expect(() => connection[Symbol.asyncIterator]()).toThrow(TypeError);
  }
});
