import { SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { emptyResource, resourceFromAttributes } from "@opentelemetry/resources";
import { type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { createSpanOutbox } from "../../../exporters/span-outbox.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

describe.each(["http/json", "http/protobuf"] as const)("over %s", (protocol) => {
  it("a span arrives as it was made", async () => {
    const receiver = await openReceiver();
    const { outbox, start } = await createOutboxRig({
      url: receiver.url,
      protocol,
      headers: { "x-api-key": "k" },
    });
    const span = start("work")
      .setAttributes({ text: "ä\ud83d\ude00", count: 3, share: 0.5, ok: true })
      .addEvent("half", { percent: 50 })
      .setStatus({ code: SpanStatusCode.ERROR, message: "no" });
    span.end();
    await outbox.forceFlush();
    const { traceId, spanId } = span.spanContext();
    expect(receiver.spans).toMatchObject([
      {
        traceId,
        spanId,
        name: "work",
        attributes: { text: "ä\ud83d\ude00", count: 3, share: 0.5, ok: true },
        events: [{ name: "half", attributes: { percent: 50 } }],
        status: { code: 2, message: "no" },
        scope: "test",
      },
    ]);
    expect(receiver.requests[0]?.headers).toMatchObject({ "x-api-key": "k", "user-agent": "orchestra-otel" });
    expect(outbox.stats()).toMatchObject({ ended: 1, exported: 1, pending: 0, bytes: 0, attempts: 1 });
  });

  it("many chunks leave in one request", async () => {
    const receiver = await openReceiver();
    const { outbox, end, endApart } = await createOutboxRig({ url: receiver.url, protocol });
    end(200);
    endApart(20);
    await outbox.forceFlush();
    expect(receiver.requests).toHaveLength(1);
    expect(receivedNames(receiver)).toEqual(names(220));
  });

  it("a chunk goes out as it was stored, whatever is configured meanwhile", async () => {
    const receiver = await openReceiver();
    const store = await openTestStore();
    await receiver.behave("refuse");
    const before = await createOutboxRig({ url: receiver.url, store, protocol });
    before.end(3);
    await before.outbox.shutdown();
    await receiver.behave("ok");
    const other = protocol === "http/json" ? "http/protobuf" : "http/json";
    const after = await createOutboxRig({ url: receiver.url, store, protocol: other });
    after.end(1);
    await after.outbox.forceFlush();
    await receiver.until(() => receiver.spans.length === 4);
    const types = receiver.requests.map(({ headers }) => headers["content-type"]).sort();
    expect(types).toEqual(["application/json", "application/x-protobuf"]);
    expect(receivedNames(receiver)).toEqual(["0", "0", "1", "2"]);
  });
});

describe("a batch", () => {
  it("leaves at once when it is full, and otherwise a little later", async () => {
    const receiver = await openReceiver();
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url, maxBatchSpans: 64 });
    end(70);
    time.advance(10);
    await receiver.until(() => receiver.spans.length === 64);
    expect(outbox.stats().attempts).toBe(1);
    time.advance(1_000);
    await receiver.until(() => receiver.spans.length === 70);
  });

  it("holds no more bytes than it may, but at least one chunk", async () => {
    const receiver = await openReceiver();
    const { outbox, endApart } = await createOutboxRig({ url: receiver.url, maxBatchBytes: 1 });
    endApart(3);
    await outbox.forceFlush();
    expect(receiver.requests.map(({ spans }) => spans.length)).toEqual([1, 1, 1]);
  });

  it("has company when two may be on their way", async () => {
    const receiver = await openReceiver();
    const { outbox, end, time } = await createOutboxRig({
      url: receiver.url,
      concurrency: 2,
      maxBatchSpans: 64,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    receiver.script({ status: 200, after: promise }, { status: 200, after: promise });
    end(192);
    time.advance(10);
    await receiver.until(() => receiver.requests.length === 2);
    resolve();
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(192));
  });

  it("is split around the one that is on its way with it", async () => {
    const receiver = await openReceiver();
    const { outbox, end, time } = await createOutboxRig({
      url: receiver.url,
      concurrency: 2,
      maxBatchSpans: 128,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    receiver.script({ status: 413 }, { status: 200, after: promise });
    end(256);
    time.advance(10);
    await receiver.until(() => receiver.spans.length === 128);
    resolve();
    await outbox.forceFlush();
    expect(receiver.requests.map(({ spans }) => spans.length)).toEqual([128, 128, 64, 64]);
    expect(receivedNames(receiver)).toEqual(names(256));
    expectBalance(outbox);
  });
});

describe("a flush", () => {
  it("takes only what has ended before, however much comes meanwhile", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(300);
    const flushed = outbox.forceFlush();
    end(300);
    await flushed;
    expect(outbox.stats().exported).toBeGreaterThanOrEqual(300);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(600));
  });

  it("has nothing to do when there is nothing", async () => {
    const { outbox } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ attempts: 0, oldestAgeMs: undefined });
  });
});

describe("a span", () => {
  it("may come as a plain object, with the ids that it had before", async () => {
    const receiver = await openReceiver();
    const { outbox } = await createOutboxRig({ url: receiver.url });
    outbox.add(plainSpan({ name: "rebuilt" }));
    await outbox.forceFlush();
    expect(receiver.spans).toMatchObject([
      { name: "rebuilt", traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" },
    ]);
  });

  it("that is none is counted, and does not take others with it", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(2);
    outbox.add({ resource: emptyResource() } as ReadableSpan);
    end(2);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(4));
    expect(outbox.stats().dropped.invalid).toBe(1);
    expectBalance(outbox);
  });

  it("is left out when it is not sampled", async () => {
    const { outbox } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    const spanContext = () => ({ traceId: "", spanId: "", traceFlags: TraceFlags.NONE });
    outbox.onEnd(plainSpan({ spanContext }));
    expect(outbox.stats().ended).toBe(0);
  });

  it("is one of a great many that are written in turns, not to hold the event loop", async () => {
    const store = await openTestStore();
    let commits = 0;
    store.onCommit(() => void commits++);
    const { outbox, end, time } = await createOutboxRig({ url: "http://127.0.0.1:1", store });
    commits = 0;
    end(600);
    time.advance(10);
    expect(commits).toBe(3);
    expect(store.prepare("SELECT sum(spans) AS spans FROM span_chunk").get()).toEqual({ spans: 600 });
    expectBalance(outbox);
  });

  it("makes whoever ends it wait for a chunk to be written when too many are in memory", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(5_000);
    expect(outbox.stats().bytes).toBeGreaterThan(0);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(5_000));
  });
});

describe("a resource that is still being detected", () => {
  async function setUp() {
    const receiver = await openReceiver();
    const { outbox, time } = await createOutboxRig({ url: receiver.url });
    const { promise, resolve } = Promise.withResolvers<string>();
    const resource = resourceFromAttributes({ "host.id": promise });
    const provider = new TracerProvider({ resource, spanProcessors: [outbox] });
    provider.getTracer("test").startSpan("early").end();
    return { receiver, outbox, time, resolve };
  }

  it("is waited for", async () => {
    const { receiver, outbox, time, resolve } = await setUp();
    const flushed = outbox.forceFlush();
    time.advance(10);
    expect(outbox.stats()).toMatchObject({ pending: 1, bytes: 0 });
    resolve("h1");
    await flushed;
    expect(receiver.spans[0]?.resource).toEqual({ "host.id": "h1" });
  });

  it("is not waited for beyond the shutdown", async () => {
    const { receiver, outbox, resolve } = await setUp();
    const flushed = outbox.forceFlush();
    await outbox.shutdown({ deadlineMs: 5 });
    await flushed;
    expect(outbox.stats()).toMatchObject({ ended: 1, pending: 1 });
    expect(outbox.stats().bytes).toBeGreaterThan(0);
    resolve("late");
    await outbox.forceFlush();
    expect(receiver.spans).toEqual([]);
  });
});

describe("the age of what waits", () => {
  it("is that of the oldest span on disk", async () => {
    const { outbox, endApart, time } = await createOutboxRig({ url: "http://127.0.0.1:1" });
    endApart(1);
    time.advance(500);
    endApart(1);
    expect(outbox.stats().oldestAgeMs).toBe(510);
  });
});

describe("the options", () => {
  it.each([
    { maxBytes: 0 },
    { maxDeadLetterBytes: -1 },
    { maxUnsavedSpans: 0 },
    { maxBatchSpans: 0 },
    { maxBatchBytes: 0.5 },
    { concurrency: 3 },
    { timeoutMs: 0 },
    { url: "ftp://x" },
    { protocol: "grpc" as "http/json" },
    { backoff: { baseMs: 0 } },
    { backoff: { maxMs: 1.5 } },
    { batchDelayMs: -1 },
    { commitDelayMs: -1 },
  ])("refuse %o", async (options) => {
    const store = await openTestStore();
    await expect(createSpanOutbox({ store, ...options })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("refuse a header that HTTP does not allow, without telling its value", async () => {
    const store = await openTestStore();
    const creation = createSpanOutbox({ store, headers: { authorization: "secret\n" } });
    await expect(creation).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      path: "headers.authorization",
      message: expect.not.stringContaining("secret"),
    });
  });

  it("have defaults for all but the store, and tell nobody of a failure", async () => {
    const receiver = await openReceiver();
    const outbox = await createSpanOutbox({ store: await openTestStore(), url: receiver.url });
    outbox.onStart();
    outbox.add(plainSpan({}));
    receiver.script({ status: 503 });
    await outbox.shutdown();
    expect(outbox.stats()).toMatchObject({ ended: 1, pending: 1, lastError: "HTTP 503" });
  });
});

function plainSpan(fields: Partial<ReadableSpan>): ReadableSpan {
  return {
    name: "plain",
    kind: 0,
    spanContext: () => ({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
    }),
    startTime: [1_700_000_000, 0],
    endTime: [1_700_000_001, 0],
    duration: [1, 0],
    status: { code: SpanStatusCode.UNSET },
    attributes: {},
    links: [],
    events: [],
    ended: true,
    resource: emptyResource(),
    instrumentationScope: { name: "plain" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...fields,
  };
}
