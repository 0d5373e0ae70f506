import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { type EventFeedOptions, type FeedConnection, readEventFeed } from "../../../src/cli/event-feed.ts";
import { deadUrl, startServer } from "./http-server.ts";

type Answer = (response: ServerResponse) => void;

/** A bridge that answers each connection in turn, then leaves all further ones open and silent. */
async function startBridge(...answers: Answer[]) {
  const requests: { url: string | undefined; lastEventId: unknown; authorization: unknown }[] = [];
  const url = await startServer(({ url: path, headers }, response) => {
    requests.push({ url: path, lastEventId: headers["last-event-id"], authorization: headers.authorization });
    const answer = answers[requests.length - 1] ?? stream("");
    answer(response);
  });
  return { url, requests };
}

/** Sends this text, and ends when told to. */
function stream(text: string, { end = false } = {}): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text);
    if (end) response.end();
    else response.flushHeaders();
  };
}

/** Reads `count` messages, then ends the feed. */
async function read(url: string, count: number, options: Partial<EventFeedOptions> = {}) {
  const stop = new AbortController();
  const connections: FeedConnection[] = [];
  const data: string[] = [];
  const feed = readEventFeed({
    target: () => ({ url, token: undefined }),
    query: new URLSearchParams(),
    signal: stop.signal,
    onConnection: (connection) => connections.push(connection),
    random: () => 0,
    ...options,
  });
  for await (const message of feed) {
    data.push(message.data);
    if (data.length === count) stop.abort();
  }
  return { data, connections };
}

describe("a feed", () => {
  test("is asked for with filter and token", async () => {
    const { url, requests } = await startBridge(stream("data: 1\n\n"));

    await read(url, 1, {
      target: () => ({ url, token: "secret" }),
      query: new URLSearchParams([
        ["type", "orchestra.job.*"],
        ["workerId", "a b"],
      ]),
    });

    expect(requests).toEqual([
      {
        url: "/v1/events?type=orchestra.job.*&workerId=a+b",
        lastEventId: undefined,
        authorization: "Bearer secret",
      },
    ]);
  });

  test("goes on after a message that is too long to be read", async () => {
    const long = `id: e-1\nevent: x\ndata: ${"y".repeat(17 * 1024 * 1024)}\n\n`;
    const { url, requests } = await startBridge(stream(`${long}id: e-2\ndata: small\n\n`));
    let skipped = 0;

    const { data, connections } = await read(url, 1, { onSkipped: () => skipped++ });

    expect({ data, skipped, connections }).toEqual({ data: ["small"], skipped: 1, connections: [{ url }] });
    expect(requests).toHaveLength(1);
  });

  test("does not ask again for a message that is too long", async () => {
    const long = `id: e-1\ndata: ${"y".repeat(17 * 1024 * 1024)}`;
    const { url, requests } = await startBridge(stream(long, { end: true }), stream("data: 2\n\n"));

    await read(url, 1);

    expect(requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "e-1"]);
  });

  test("survives characters that are split between chunks", async () => {
    const bytes = Buffer.from("data: €\n\n");
    const { url } = await startBridge((response) => {
      response.writeHead(200);
      response.write(bytes.subarray(0, 7));
      setImmediate(() => response.write(bytes.subarray(7)));
    });

    expect((await read(url, 1)).data).toEqual(["€"]);
  });
});

describe("a connection that is lost", () => {
  test("is made again, after the last id that was seen, be it a heartbeat's", async () => {
    const { url, requests } = await startBridge(
      stream("retry: 250\nid: e-1\ndata: 1\n\nid: e-2\n\n", { end: true }),
      stream("id: e-3\ndata: 3\n\n"),
    );

    const { data, connections } = await read(url, 2);

    expect(data).toEqual(["1", "3"]);
    expect(requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "e-2"]);
    expect(connections).toEqual([{ url }, { url, lost: "the bridge ended the connection" }, { url }]);
  });

  test("is made again where the bridge is by then", async () => {
    const gone = await deadUrl();
    const { url } = await startBridge(stream("data: 1\n\n"));
    const targets = [gone, url];

    const { connections } = await read(url, 1, {
      target: () => ({ url: targets.shift() as string, token: undefined }),
    });

    expect(connections).toEqual([{ url: gone, lost: "ECONNREFUSED" }, { url }]);
  });

  test("is made again when the bridge is overloaded", async () => {
    const { url, connections } = await (async () => {
      const bridge = await startBridge(
        (response) => void response.writeHead(503).end(),
        stream("data: 1\n\n"),
      );
      return { url: bridge.url, ...(await read(bridge.url, 1)) };
    })();

    expect(connections).toEqual([{ url, lost: "503 Service Unavailable" }, { url }]);
  });
});

test("the pause grows until a message came, however often the bridge accepts", async () => {
  const empty = stream("", { end: true });
  const { url } = await startBridge(
    empty,
    empty,
    stream("data: 1\n\n", { end: true }),
    empty,
    stream("data: 2\n\n"),
  );
  const times: number[] = [];

  await read(url, 2, { onConnection: ({ lost }) => lost === undefined && times.push(performance.now()) });
  const [first = 0, second = 0, third = 0, afterMessage = 0] = times
    .slice(1)
    .map((time, index) => time - (times[index] ?? 0));

  // A random number of 0 halves each pause: 125, 250, then from the start again.
  expect(first).toBeGreaterThan(120);
  expect(second).toBeGreaterThan(245);
  expect(third).toBeLessThan(second);
  expect(afterMessage).toBeGreaterThan(245);
});

describe("a refusal ends the feed with what the bridge says", () => {
  test.each([
    [401, "UNAUTHORIZED"],
    [400, "BAD_REQUEST"],
  ])("%d", async (status, code) => {
    const { url } = await startBridge((response) => {
      response.writeHead(status);
      response.end(JSON.stringify({ error: { code, message: "because" } }));
    });

    await expect(read(url, 1)).rejects.toMatchObject({
      code,
      message: `${url}/v1/events answered ${status} ${code}: because`,
    });
  });
});

describe("ending the feed", () => {
  test("while it is silent takes no time and is no loss", async () => {
    const { url } = await startBridge();
    const stop = new AbortController();

    const { data, connections } = await read(url, 1, {
      signal: stop.signal,
      onConnection: () => stop.abort(),
    });

    expect({ data, connections }).toEqual({ data: [], connections: [] });
  });

  test("while it waits for a reconnect takes no time either", async () => {
    const stop = new AbortController();

    const { data } = await read(await deadUrl(), 1, {
      signal: stop.signal,
      random: () => 1_000_000,
      onConnection: () => setImmediate(() => stop.abort()),
    });

    expect(data).toEqual([]);
  });
});
