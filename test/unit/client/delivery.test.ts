import { expect, expectTypeOf, it } from "vitest";
import { type FeedEvent, isEvent } from "../../../src/client/index.ts";
import { createClient, eventFrame, heartbeat, quiet } from "./client-rig.ts";

it("delivers each event with its cursor, in order", async () => {
  const seen: unknown[] = [];
  const { request, until } = createClient({ onEvent: ({ id }, cursor) => seen.push([id, cursor]) });
  (await request(0)).stream(`${heartbeat(3)}${eventFrame(4)}`).send(eventFrame(5));
  await until(() => seen.length === 2);
  expect(seen).toEqual([
    ["id-4", "e-4"],
    ["id-5", "e-5"],
  ]);
});

it("asks with the filters and the token", async () => {
  const { request } = createClient({
    url: "http://bridge:4319/behind/",
    token: "secret",
    credentials: "include",
    from: "e-7",
    filters: {
      types: ["orchestra.job.*", "orchestra.error"],
      workerIds: ["a b"],
      sessionIds: ["s"],
      jobIds: ["1", "2"],
    },
  });
  const { url, query, headers, init } = await request(0);
  expect(url.pathname).toBe("/behind/v1/events");
  expect(query).toBe(
    "?after=e-7&type=orchestra.job.*&type=orchestra.error&workerId=a+b&sessionId=s&jobId=1&jobId=2",
  );
  expect(headers.get("authorization")).toBe("Bearer secret");
  expect(init).toMatchObject({ cache: "no-store", credentials: "include" });
});

it("asks without a token for an open feed", async () => {
  const { request } = createClient();
  const { query, headers, init } = await request(0);
  expect(query).toBe("");
  expect([...headers]).toEqual([]);
  expect(init).not.toHaveProperty("credentials");
});

it.each([
  ["now", ""],
  ["oldest", "?after=oldest"],
  ["e-12", "?after=e-12"],
])("begins from %s", async (from, query) => {
  const { request } = createClient({ from });
  expect((await request(0)).query).toBe(query);
});

it("delivers events of types that it does not know", async () => {
  const seen: FeedEvent[] = [];
  const { request, until } = createClient({ onEvent: (event) => seen.push(event) });
  const event = { version: 1, id: "x", type: "orchestra.moon.risen", timestamp: 1, data: { phase: "full" } };
  (await request(0)).stream(`id: e-1\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  await until(() => seen.length === 1);
  expect(seen).toEqual([event]);
});

it("types an event by what it is asked to be", async () => {
  const event = { type: "orchestra.job.failed", data: { error: "disk full" } } as FeedEvent;
  expect(isEvent(event, "orchestra.job.completed")).toBe(false);
  expect(isEvent(event, "orchestra.job.completed", "orchestra.job.failed")).toBe(true);
  if (isEvent(event, "orchestra.job.failed")) expectTypeOf(event.data.error).toBeString();
  expectTypeOf(event.data).toBeUnknown();
});

it("survives characters that are split between chunks", async () => {
  const { request, told, until } = createClient();
  const bytes = Buffer.from(eventFrame(1).replace('"1"', '"€"'));
  const middle = bytes.indexOf("€") + 1;
  (await request(0)).stream().send(bytes.subarray(0, middle)).send(bytes.subarray(middle));
  await until(() => told.length === 1);
  expect(told).toEqual(["€"]);
});

it.each([
  ["what is no JSON", "{"],
  ["what is no object", "7"],
  ["null", "null"],
  ["what has no type", '{"id":"x","data":{}}'],
  ["what has no id", '{"type":"x","data":{}}'],
  ["what has no data", '{"id":"x","type":"x","data":null}'],
])("tells of %s, and goes on", async (_name, data) => {
  const { request, told, errors, until, connection } = createClient();
  (await request(0)).stream(`id: e-1\nevent: x\ndata: ${data}\n\n`);
  await until(() => errors.length === 1);
  expect(errors).toEqual([new Error(`Not an event: ${data}`)]);
  expect(connection.cursor).toBe("e-1");
  (await request(0)).send(eventFrame(2));
  await until(() => told.length === 1);
});

it("says where it has got to", async () => {
  const { connection, request, until } = createClient({ from: "e-1" });
  expect(connection.cursor).toBeUndefined();
  (await request(0)).stream(heartbeat(3));
  await until(() => connection.cursor === "e-3");
  (await request(0)).send(eventFrame(4));
  await until(() => connection.cursor === "e-4");
});

it("does not count an event as read before it is there as a whole", async () => {
  const { connection, request, requests, time } = createClient({ from: "e-1" });
  (await request(0)).stream(eventFrame(2).slice(0, -1)).end();
  await quiet();
  expect(connection.cursor).toBeUndefined();
  time.advance(500);
  await quiet();
  expect(requests[1]?.query).toBe("?after=e-1");
});
