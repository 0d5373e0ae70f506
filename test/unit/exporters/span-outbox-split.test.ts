import { type Attributes, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSpanCodecs } from "../../../exporters/span-outbox-codec.ts";
import { createFaultyStore } from "../../fixtures/faulty-store.ts";
import type { OtlpReceiver } from "../../fixtures/otlp-receiver.ts";
import { decodeTraceRequest } from "../../fixtures/otlp-trace-decoder.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

const PROTOCOLS = ["http/json", "http/protobuf"] as const;
const KIB = 1024;

/** Has a receiver refuse each request that holds one of these. */
function refuse(receiver: OtlpReceiver, hated: readonly string[], status = 400): void {
  receiver.refuses = ({ spans }) => (spans.some(({ name }) => hated.includes(name)) ? status : undefined);
}

/** An outbox with a receiver of its own, whose dead letters can be read. */
async function setUp(options: Partial<Parameters<typeof createOutboxRig>[0]> = {}) {
  const receiver = await openReceiver();
  const store = createFaultyStore(await openTestStore());
  const rig = await createOutboxRig({ url: receiver.url, store, ...options });
  const tracer = new TracerProvider({ spanProcessors: [rig.outbox] }).getTracer("of this test");
  return {
    ...rig,
    receiver,
    store,
    chunks: () => store.prepare("SELECT spans, length(body) AS bytes FROM span_chunk ORDER BY id").all(),
    /** Ends a span with an attribute of so many characters. */
    endLarge: (name: string, length: number) =>
      tracer.startSpan(name, { attributes: { text: "x".repeat(length) } }, ROOT_CONTEXT).end(),
    buried: async () => {
      const codecs = await loadSpanCodecs();
      const rows = store.prepare("SELECT protocol, spans, body FROM span_dead_letter").all();
      return rows
        .flatMap(({ protocol, body }) => {
          const { contentType, join } = codecs[protocol as (typeof PROTOCOLS)[number]];
          return decodeTraceRequest(contentType, Buffer.from(join([body as Uint8Array])));
        })
        .map(({ name }) => name)
        .sort();
    },
  };
}

describe.each(PROTOCOLS)("spans that a receiver hates, in %s", (protocol) => {
  it("become dead letters, exactly they, and all others arrive once", async () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 200 }),
      hated: fc.array(fc.nat({ max: 199 }), { maxLength: 20 }),
      maxBatchSpans: fc.constantFrom(1, 64, 512),
      concurrency: fc.constantFrom(1, 2),
      status: fc.constantFrom(400, 413, 415, 422, 431),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ count, hated, status, ...options }) => {
        const { outbox, end, receiver, buried } = await setUp({ ...options, protocol });
        const victims = names(count).filter((name) => hated.includes(Number(name)));
        refuse(receiver, victims, status);
        end(count);
        await outbox.forceFlush();
        expect(await buried()).toEqual(victims);
        expect(receivedNames(receiver)).toEqual(names(count).filter((name) => !victims.includes(name)));
        expect(expectBalance(outbox)).toBe(victims.length);
        expect(outbox.stats()).toMatchObject({
          pending: 0,
          bytes: 0,
          dropped: { rejected: victims.length },
          deadLetters: { spans: victims.length },
        });
        await outbox.shutdown();
        await receiver.close();
      }),
      { numRuns: 20 },
    );
  });

  it("may be all of them", async () => {
    const { outbox, end, receiver, buried } = await setUp({ protocol });
    receiver.refuses = () => 400;
    end(100);
    await outbox.forceFlush();
    expect(await buried()).toEqual(names(100));
    expect(outbox.stats()).toMatchObject({ pending: 0, bytes: 0, dropped: { rejected: 100 } });
  });

  it("leave nothing of the others behind, whatever they are of", async () => {
    const { outbox, receiver } = await setUp({ protocol });
    const attributes: Attributes = {
      text: 'ü "\\ \u{1f600}',
      whole: -5,
      half: 0.5,
      is: true,
      list: ["a", "b"],
    };
    const tracers = ["a", "b"].flatMap((service) => {
      const resource = resourceFromAttributes({ "service.name": service });
      const provider = new TracerProvider({ resource, spanProcessors: [outbox] });
      return ["x", "y"].map((scope) => ({ service, scope, tracer: provider.getTracer(scope, "1.0") }));
    });
    const made = tracers.map(({ service, scope, tracer }) => {
      const link = { context: { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 } };
      const parent = trace.setSpanContext(ROOT_CONTEXT, link.context);
      const span = tracer.startSpan(`${service}${scope}`, { attributes, links: [link] }, parent);
      span.addEvent("event", attributes);
      span.end();
      return {
        ...{ name: `${service}${scope}`, attributes, scope, resource: { "service.name": service } },
        ...{ traceId: "1".repeat(32), parentSpanId: "2".repeat(16), spanId: span.spanContext().spanId },
        events: [{ name: "event", attributes }],
        links: [{ traceId: "1".repeat(32), spanId: "2".repeat(16) }],
      };
    });
    receiver.refuses = ({ spans }) => (spans.length > 1 ? 413 : undefined);
    await outbox.forceFlush();
    expect(receiver.spans.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject(made);
  });
});

describe("spans of an earlier process that a receiver hates", () => {
  it("stay apart from ours when our first commit was undone", async () => {
    const store = await openTestStore();
    const earlier = await createOutboxRig({ store, url: "http://127.0.0.1:1/v1/traces" });
    earlier.end(3);
    await earlier.outbox.shutdown({ deadlineMs: 0 });
    const receiver = await openReceiver();
    receiver.refuses = ({ spans }) => (spans.length > 1 ? 400 : undefined);
    const { outbox, start, time } = await createOutboxRig({ store, url: receiver.url });
    const errors = [new Error("database or disk is full")];
    store.onCommit(() => {
      const error = errors.shift();
      if (error !== undefined) throw error;
    });
    start("ours").end();
    time.advance(10);
    expect(errors).toEqual([]);
    await receiver.until(() => receiver.requests.length > 1);
    await outbox.forceFlush();
    await outbox.shutdown();
    expect(receivedNames(receiver)).toEqual(["0", "1", "2", "ours"]);
    expect(expectBalance(outbox)).toBe(0);
    expect(outbox.stats()).toMatchObject({ exported: 1, bytes: 0, inherited: { exported: 3 } });
  });
});

describe("a receiver's limit of size", () => {
  it.each(PROTOCOLS)("costs only spans that are over it, in %s", async (protocol) => {
    const { outbox, endLarge, receiver, buried } = await setUp({ protocol });
    const sizes = [1, 90, 300, 2, 150, 40, 101, 3];
    receiver.refuses = ({ bytes }) => (bytes > 100 * KIB ? 413 : undefined);
    for (const size of sizes) endLarge(`${size}`, size * KIB);
    await outbox.forceFlush();
    expect(await buried()).toEqual(["101", "150", "300"]);
    expect(receivedNames(receiver)).toEqual(["1", "2", "3", "40", "90"]);
    expect(outbox.stats()).toMatchObject({ pending: 0, lastError: "HTTP 413", dropped: { rejected: 3 } });
    expectBalance(outbox);
  });
});

describe("a chunk", () => {
  it("is closed at about 256 KiB", async () => {
    const { endLarge, time, chunks } = await setUp();
    for (let i = 0; i < 64; i++) endLarge(`${i}`, 20 * KIB);
    time.advance(10);
    const sizes = chunks();
    expect(sizes.reduce((sum, { spans }) => sum + Number(spans), 0)).toBe(64);
    for (const { bytes } of sizes) expect(bytes).toBeLessThanOrEqual(256 * KIB);
    expect(sizes.length).toBeLessThan(8);
  });

  it("holds a single span of any size, and many small ones after it", async () => {
    const { endLarge, end, time, chunks } = await setUp();
    endLarge("large", 1_000 * KIB);
    end(63);
    time.advance(10);
    expect(chunks()[0]?.spans).toBe(1);
    const before = chunks().length;
    end(128);
    time.advance(10);
    expect(
      chunks()
        .slice(before)
        .map(({ spans }) => spans),
    ).toContain(64);
  });

  it("that cannot be taken apart becomes a dead letter as a whole", async () => {
    for (const body of ["{}", '{"scopeSpans":[{"spans":[]}]}']) {
      const { outbox, end, receiver, store } = await setUp();
      end(3);
      store.transaction(() => {});
      store.prepare("UPDATE span_chunk SET body = ?").run(Buffer.from(body));
      receiver.refuses = () => 400;
      await outbox.forceFlush();
      expect(outbox.stats()).toMatchObject({
        pending: 0,
        dropped: { rejected: 3 },
        deadLetters: { spans: 3 },
      });
      expectBalance(outbox);
    }
  });
});

describe("the splitter of protobuf", () => {
  it.each([
    ["a field without a length", [0x08, 1]],
    ["a field that is cut off", [0x0a, 5, 1]],
    ["a length that is missing", [0x0a]],
    ["a length that is cut off", [0x0a, 0x80]],
  ])("refuses %s", async (_what, bytes) => {
    const { split } = (await loadSpanCodecs())["http/protobuf"];
    expect(() => split(Uint8Array.from(bytes))).toThrow("Not a trace request");
  });
});

describe("a chunk that is split", () => {
  it("is whole on disk until its parts are, and in the books all the time", async () => {
    const { outbox, end, time, receiver, store } = await setUp();
    end(10);
    time.advance(10);
    store.fault = /INSERT INTO span_queue/;
    refuse(receiver, ["4"]);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 10, lastError: "database or disk is full" });
    expect(store.prepare("SELECT spans FROM span_chunk").all()).toEqual([{ spans: 10 }]);
    expectBalance(outbox);
    store.fault = undefined;
    time.advance(1_000);
    expectBalance(outbox);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(10).filter((name) => name !== "4"));
    expect(outbox.stats()).toMatchObject({ exported: 9, pending: 0, dropped: { rejected: 1 } });
  });

  it("is one at a time in memory, while the disk takes none", async () => {
    const { outbox, end, time, receiver, store } = await setUp();
    end(192);
    time.advance(10);
    store.fault = /INSERT INTO span_queue/;
    receiver.refuses = () => 400;
    await outbox.forceFlush();
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 192, dropped: { rejected: 0 } });
    store.fault = undefined;
    refuse(receiver, ["0", "191"]);
    time.advance(1_000);
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(192).filter((name) => !["0", "191"].includes(name)));
    expect(expectBalance(outbox)).toBe(2);
  });

  it("keeps the age of its spans", async () => {
    const { outbox, end, time, receiver } = await setUp();
    receiver.script({ status: 400 }, { status: 503 });
    end(2);
    time.advance(10);
    time.advance(5_000);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ pending: 2, oldestAgeMs: 5_000, attempts: 2 });
  });

  it("is left to the next process in parts", async () => {
    const { outbox, end, receiver, store } = await setUp();
    end(6);
    receiver.script({ status: 400 }, { status: 503 });
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 6 });
    await receiver.behave("503");
    await outbox.shutdown();
    expect(store.prepare("SELECT spans FROM span_chunk").all()).toEqual(Array(6).fill({ spans: 1 }));
    await receiver.behave("ok");
    refuse(receiver, ["0", "5"]);
    const { outbox: next } = await createOutboxRig({ url: receiver.url, store });
    await next.shutdown();
    expect(receivedNames(receiver)).toEqual(["1", "2", "3", "4"]);
    expect(next.stats().inherited).toMatchObject({ found: 6, exported: 4, dropped: { rejected: 2 } });
  });

  it("is waited for by a flush that began before", async () => {
    const { outbox, end, receiver } = await setUp();
    end(2);
    receiver.script({ status: 400 });
    const reply = Promise.withResolvers<void>();
    receiver.script({ status: 200, after: reply.promise });
    let isOver = false;
    const flush = outbox.forceFlush().then(() => {
      isOver = true;
    });
    await receiver.until(() => receiver.requests.length === 2);
    end(1);
    expect(isOver).toBe(false);
    reply.resolve();
    await flush;
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(3));
  });

  it("is gone when somebody removes it", async () => {
    const { outbox, end, receiver, store } = await setUp();
    end(5);
    receiver.refuses = () => {
      store.exec("DELETE FROM span_chunk; DELETE FROM span_queue");
      return 400;
    };
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ pending: 0, dropped: { vanished: 5 } });
    expectBalance(outbox);
  });
});
