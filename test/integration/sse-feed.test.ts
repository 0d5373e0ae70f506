import { connect } from "node:net";
import { EventSource } from "eventsource";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../src/event/event.ts";
import { createMemoryEventLog } from "../../src/event-log/memory.ts";
import { posting, startTestBridge, type TestBridge, type TestBridgeOptions } from "../fixtures/bridge.ts";
import { hostileEvents } from "../fixtures/hostile-events.ts";
import { jobEvent } from "../fixtures/job-story.ts";
import { readStream } from "../fixtures/sse-connection.ts";
import { range } from "../fixtures/sse-feed.ts";
import { openFeed, openStalledFeed, type SseReader } from "../fixtures/sse-reader.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options?: TestBridgeOptions): Promise<TestBridge> {
  const test = await startTestBridge(options);
  closing.push(() => test.close());
  return test;
}

async function open(url: string, headers?: Record<string, string>): Promise<SseReader> {
  const reader = await openFeed(url, headers);
  closing.push(() => reader.close());
  return reader;
}

function numbered(n: number | string, workerId?: string): OrchestratorEvent {
  return createOrchestratorEvent("orchestra.error", { message: String(n), workerId });
}

function messages({ events }: SseReader): string[] {
  return events
    .filter(({ event }) => event === "orchestra.error")
    .map(({ data }) => (JSON.parse(data) as { data: { message: string } }).data.message);
}

async function publish({ publisher }: TestBridge, from: number, to: number): Promise<void> {
  for (const n of range(from, to)) publisher.publish(numbered(n));
  await publisher.flush();
}

const received = (count: number) => (reader: SseReader) => messages(reader).length >= count;

describe("GET /v1/events", () => {
  it("answers at once, with headers that keep proxies from holding events back", async () => {
    const { url } = await start();
    const { response } = await open(`${url}/v1/events`, { "accept-encoding": "gzip, br" });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    expect(response.headers.get("content-encoding")).toBeNull();
  });

  it("shows each event as it is published, as JSON of its envelope", async () => {
    const test = await start();
    const reader = await open(`${test.url}/v1/events`);
    const event = jobEvent("orchestra.job.created", "j");
    test.publisher.publish(event);
    await reader.until(({ events }) => events.length === 1);
    expect(reader.events[0]).toMatchObject({ id: "e-1", event: "orchestra.job.created" });
    expect(JSON.parse(reader.events[0]?.data as string)).toEqual(JSON.parse(JSON.stringify(event)));
  });

  it("shows what was posted", async () => {
    const { url } = await start();
    const reader = await open(`${url}/v1/events`);
    await fetch(`${url}/v1/events`, posting(JSON.stringify(numbered("posted"))));
    await reader.until(received(1));
    expect(messages(reader)).toEqual(["posted"]);
  });

  it("filters by type, worker, session and job, repeatedly", async () => {
    const test = await start();
    const jobs = await open(`${test.url}/v1/events?type=orchestra.job.*&type=orchestra.worker.status`);
    const coder = await open(`${test.url}/v1/events?type=orchestra.error&workerId=coder&workerId=tester`);
    test.publisher.publish(numbered("1", "coder"));
    test.publisher.publish(numbered("2", "writer"));
    test.publisher.publish(jobEvent("orchestra.job.created", "j"));
    test.publisher.publish(numbered("3", "tester"));
    await Promise.all([coder.until(received(2)), jobs.until(({ events }) => events.length > 0)]);
    expect(messages(coder)).toEqual(["1", "3"]);
    expect(jobs.events.map(({ event }) => event)).toEqual(["orchestra.job.created"]);
  });

  it("resumes after Last-Event-ID, which wins over the query", async () => {
    const test = await start();
    await publish(test, 1, 10);
    const resumed = await Promise.all([
      open(`${test.url}/v1/events`, { "last-event-id": "e-4" }),
      open(`${test.url}/v1/events?last_event_id=e-4`),
      open(`${test.url}/v1/events?after=e-4`),
      open(`${test.url}/v1/events?after=e-9&last_event_id=e-8`, { "last-event-id": "e-4" }),
      open(`${test.url}/v1/events?after=e-9&last_event_id=e-4`, { "last-event-id": "" }),
    ]);
    for (const reader of resumed) {
      await reader.until(received(6));
      expect(messages(reader)).toEqual(range(5, 10));
    }
  });

  it("begins with the oldest event that the log holds, without a resync, when asked to", async () => {
    const test = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 5 }) });
    await publish(test, 1, 10);
    const reader = await open(`${test.url}/v1/events?after=oldest`);
    await reader.until(received(5));
    expect(reader.events.map(({ id }) => id)).toEqual(range(6, 10).map((n) => `e-${n}`));
  });

  it.each(["garbage", "other-1", "e-99", "e-1", "%0Aevent:%20pwn%0A%0A"])(
    "answers 200 and a resync first for the cursor %s",
    async (cursor) => {
      const test = await start({ log: createMemoryEventLog({ epoch: "e", capacity: 5 }) });
      await publish(test, 1, 10);
      const reader = await open(`${test.url}/v1/events?after=${cursor}`);
      expect(reader.response.status).toBe(200);
      await reader.until(received(5));
      expect(reader.events[0]?.event).toBe("orchestra.stream.resync");
      expect(JSON.parse(reader.events[0]?.data as string)).toMatchObject({
        requested: decodeURIComponent(cursor),
        oldest: "e-6",
        latest: "e-10",
      });
      expect(messages(reader)).toEqual(range(6, 10));
    },
  );

  it("continues a snapshot of the jobs without a race", async () => {
    const test = await start();
    test.publisher.publish(jobEvent("orchestra.job.created", "j"));
    await test.publisher.flush();
    const { cursor } = (await (await fetch(`${test.url}/v1/jobs`)).json()) as { cursor: string };
    test.publisher.publish(jobEvent("orchestra.job.started", "j"));
    await test.publisher.flush();
    const reader = await open(`${test.url}/v1/events?after=${cursor}`);
    await reader.until(({ events }) => events.length > 0);
    expect(reader.events.map(({ event }) => event)).toEqual(["orchestra.job.started"]);
  });

  it("keeps its frames whole, whatever events hold", async () => {
    const test = await start();
    const reader = await open(`${test.url}/v1/events`);
    const hostile = hostileEvents();
    for (const event of hostile) test.publisher.publish(event);
    test.publisher.publish(numbered("end"));
    const isEnd = ({ data }: { data: string }) => JSON.parse(data)?.data?.message === "end";
    await reader.until(({ events }) => events.some(isEnd));
    expect(reader.events).toHaveLength(hostile.length + 1);
    expect(reader.events.map(({ id }) => id)).toEqual(range(1, hostile.length + 1).map((n) => `e-${n}`));
  });
});

describe("a client that comes and goes", () => {
  it("misses nothing and sees nothing twice, wherever it starts and whenever it connects", async () => {
    const test = await start();
    const total = 2_000;
    const clients: { reader: Promise<SseReader>; after: number }[] = [];
    for (let n = 1; n <= total; n++) {
      test.publisher.publish(numbered(n));
      if (n % 50 === 0) {
        const after = Math.floor(n * ((n * 0.618) % 1));
        clients.push({ reader: open(`${test.url}/v1/events`, { "last-event-id": `e-${after}` }), after });
      }
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { reader, after } of clients) {
      const open = await reader;
      await open.until(received(total - after));
      expect(messages(open)).toEqual(range(after + 1, total));
    }
  });

  it("is counted while it is there", async () => {
    const test = await start();
    const readers = await Promise.all([open(`${test.url}/v1/events`), open(`${test.url}/v1/events`)]);
    expect(test.hub.stats().clients).toBe(2);
    for (const reader of readers) reader.close();
    await vi.waitFor(() => expect(test.hub.stats().clients).toBe(0), { interval: 5 });
  });

  it("as an EventSource goes on where it was when the bridge comes back", async () => {
    const log = createMemoryEventLog({ epoch: "e" });
    const first = await startTestBridge({ log, sse: { random: () => 0 } });
    const seen: string[] = [];
    const source = new EventSource(`${first.url}/v1/events`);
    closing.push(() => source.close());
    const until = (message: string) =>
      new Promise<void>((resolve) => {
        source.addEventListener("orchestra.error", function look({ data }) {
          const got = (JSON.parse(data) as { data: { message: string } }).data.message;
          if (got !== message) return;
          source.removeEventListener("orchestra.error", look);
          resolve();
        });
      });
    source.addEventListener("orchestra.error", ({ data }) => {
      seen.push((JSON.parse(data) as { data: { message: string } }).data.message);
    });
    await new Promise((resolve) => source.addEventListener("open", resolve, { once: true }));
    const three = until("3");
    await publish(first, 1, 3);
    await three;
    await first.bridge.close();
    await publish(first, 4, 6);
    const eight = until("8");
    const second = await start({ log, port: first.port });
    await publish(second, 7, 8);
    await eight;
    expect(seen).toEqual(range(1, 8));
  });
});

describe("a client that does not read", () => {
  it("is dropped at the limit of what is queued for it, and the others do not notice", async () => {
    const test = await start({ sse: { maxQueuedBytes: 256 * 1024 } });
    const reader = await open(`${test.url}/v1/events`);
    const stalled = await openStalledFeed(test.port);
    closing.push(() => stalled.destroy());
    await vi.waitFor(() => expect(test.hub.stats().clients).toBe(2), { interval: 5 });
    let sent = 0;
    while (test.hub.stats().dropped.slow_bytes === 0) {
      test.publisher.publish(numbered(`${++sent} ${"x".repeat(60_000)}`));
      await reader.until(received(sent));
    }
    expect(test.hub.stats()).toMatchObject({ clients: 1, dropped: { slow_bytes: 1, slow_time: 0 } });
    expect(messages(reader)).toHaveLength(sent);
  });

  it("is dropped when its queue does not empty in time", async () => {
    const test = await start({ sse: { maxStallMs: 50, maxQueuedBytes: 1024 ** 3 } });
    const stalled = await openStalledFeed(test.port);
    closing.push(() => stalled.destroy());
    await vi.waitFor(() => expect(test.hub.stats().clients).toBe(1), { interval: 5 });
    for (let count = 0; count < 200; count++) test.publisher.publish(numbered("x".repeat(60_000)));
    await vi.waitFor(() => expect(test.hub.stats().dropped.slow_time).toBe(1), { interval: 5 });
    expect(test.hub.stats().clients).toBe(0);
  });

  it("is not the one that follows a burst larger than its queue", async () => {
    const test = await start({ sse: { maxQueuedBytes: 64 * 1024 } });
    const reader = await open(`${test.url}/v1/events`);
    await publish(test, 1, 5_000);
    await reader.until(received(5_000));
    expect(messages(reader)).toEqual(range(1, 5_000));
    expect(test.hub.stats().dropped).toMatchObject({ slow_bytes: 0, slow_time: 0 });
  });
});

describe("the bytes of a stream", () => {
  it.each(["1.0", "1.1"])(
    "follow the head without framing and end with the connection, for HTTP/%s",
    async (version) => {
      const test = await start();
      const socket = connect(test.port, "127.0.0.1");
      closing.push(() => socket.destroy());
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      const ended = new Promise((resolve) => socket.once("close", resolve));
      socket.write(`GET /v1/events HTTP/${version}\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n`);
      await vi.waitFor(() => expect(test.hub.stats().clients).toBe(1), { interval: 5 });
      await publish(test, 1, 3);
      await test.bridge.close({ deadlineMs: 200 });
      await ended;
      const [head = "", ...body] = Buffer.concat(chunks).toString().split("\r\n\r\n");
      expect(head.toLowerCase()).toContain("\r\nconnection: close");
      expect(head.toLowerCase()).not.toMatch(/transfer-encoding|content-length/);
      expect(body).toHaveLength(1);
      const { events, retries } = readStream([Buffer.from(body[0] as string)]);
      expect(events.map(({ id }) => id)).toEqual(["e-1", "e-2", "e-3"]);
      expect(retries).toHaveLength(1);
      expect(body[0]).toMatch(/^id: e-0\n\nid: e-1\n/);
      expect(body[0]).toMatch(/retry: \d+\n\n$/);
    },
  );

  it("stop without a fault when the client ends its side or breaks off", async () => {
    const faults: unknown[] = [];
    const test = await start({ onError: (error) => faults.push(error) });
    const reader = await open(`${test.url}/v1/events`);
    const request = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const [ending, breaking] = [connect(test.port, "127.0.0.1"), connect(test.port, "127.0.0.1")];
    for (const socket of [ending, breaking])
      socket
        .on("error", () => {})
        .resume()
        .write(request);
    await vi.waitFor(() => expect(test.hub.stats().clients).toBe(3), { interval: 5 });
    ending.end();
    breaking.resetAndDestroy();
    await publish(test, 1, 100);
    await vi.waitFor(() => expect(test.hub.stats().clients).toBe(1), { interval: 5 });
    await reader.until(received(100));
    expect(test.hub.stats()).toMatchObject({ ended: { left: 2 }, dropped: { write_failed: 0 } });
    expect(faults).toEqual([]);
  });
});

describe("too many clients and shutdown", () => {
  it("answer 200 with a time to come back, and end", async () => {
    const test = await start({ sse: { maxClients: 1 } });
    await open(`${test.url}/v1/events`);
    const turnedAway = await open(`${test.url}/v1/events`);
    expect(turnedAway.response.status).toBe(200);
    await turnedAway.ended;
    const [later] = turnedAway.events;
    expect(later).toMatchObject({ id: undefined, event: "orchestra.stream.later" });
    const [retryMs] = turnedAway.retries;
    expect(retryMs).toBeGreaterThanOrEqual(10_000);
    expect(JSON.parse(later?.data as string)).toEqual({ reason: "full", retryMs });
  });

  it("send what was published, spread the reconnects, and are done in time", async () => {
    const test = await start();
    const readers = await Promise.all(range(1, 20).map(() => open(`${test.url}/v1/events`)));
    await publish(test, 1, 1);
    const begun = performance.now();
    await test.bridge.close({ deadlineMs: 400 });
    expect(performance.now() - begun).toBeLessThan(1_000);
    await Promise.all(readers.map(({ ended }) => ended));
    for (const reader of readers) expect(messages(reader)).toEqual(["1"]);
    const retries = readers.flatMap((reader) => reader.retries);
    expect(retries).toHaveLength(20);
    expect(new Set(retries).size).toBeGreaterThan(10);
    expect(test.hub.stats().dropped.shutdown_deadline).toBe(0);
  });

  it("answer requests that arrive meanwhile with 503", async () => {
    const test = await start();
    const socket = connect(test.port, "127.0.0.1");
    const answer = new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString())));
    socket.write("GET /v1/jobs HTTP/1.1\r\n");
    // Has the server read the beginning, it does not take the connection for idle.
    await fetch(`${test.url}/healthz`);
    const closed = test.bridge.close();
    socket.write("Host: localhost\r\n\r\n");
    expect(await answer).toMatch(/^HTTP\/1.1 503 [\s\S]*"code":"UNAVAILABLE"/);
    await closed;
  });

  it("ask feeds that arrive meanwhile to come back, as another status would end an EventSource for good", async () => {
    const test = await start();
    const socket = connect(test.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET /v1/events?after=e-0 HTTP/1.1\r\n");
    await fetch(`${test.url}/healthz`);
    const closed = test.bridge.close();
    socket.write("Host: localhost\r\n\r\n");
    await Promise.all([ended, closed]);
    const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1.1 200 /);
    const { events, retries } = readStream([Buffer.from(body)]);
    expect(events).toMatchObject([{ event: "orchestra.stream.later" }]);
    expect(JSON.parse(events[0]?.data ?? "")).toEqual({ reason: "closing", retryMs: retries[0] });
  });
});
