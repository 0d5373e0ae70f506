import { describe, expect, it } from "vitest";
import { later } from "../../../exporters/span-outbox-reply.ts";
import { START_MS } from "../../fixtures/clock.ts";
import type { ScriptedReply } from "../../fixtures/otlp-receiver.ts";
import {
  createOutboxRig,
  expectBalance,
  names,
  openReceiver,
  receivedNames,
} from "../../fixtures/outbox-rig.ts";

const json = { "content-type": "application/json" };
const protobuf = { "content-type": "application/x-protobuf" };

/** What a receiver may do, and what is said of it. */
const FAILURES: [string, ScriptedReply, RegExp][] = [
  ["503", { status: 503 }, /^HTTP 503$/],
  ["502 with a page", { status: 502, headers: { "content-type": "text/html" }, body: "<p>no" }, /^HTTP 502$/],
  [
    "504 with a text",
    { status: 504, headers: { "content-type": "text/plain" }, body: "too\n late" },
    /late$/,
  ],
  ["500", { status: 500, headers: json, body: '{"message":"db"}' }, /^HTTP 500: \{"message":"db"\}$/],
  ["429", { status: 429 }, /^HTTP 429$/],
  ["408", { status: 408 }, /^HTTP 408$/],
  ["401", { status: 401 }, /^HTTP 401$/],
  ["403", { status: 403 }, /^HTTP 403$/],
  ["404", { status: 404 }, /^HTTP 404$/],
  ["a redirect", { status: 307, headers: { location: "http://127.0.0.1:1/" } }, /^HTTP 307$/],
  ["a cut connection", "reset", /ECONNRESET|socket hang up/],
  ["a connection closed without an answer", "half-close", /ECONNRESET|socket hang up/],
  ["half of an answer", "half-reply", /aborted/],
  ["no HTTP", "garbage", /Parse Error/],
  ["no answer", "hang", /^no answer within 50 ms$/],
  ["a captive portal", { status: 200, headers: { "content-type": "text/html" }, body: "<p>hi" }, /not OTLP/],
  ["half of a JSON", { status: 200, headers: json, body: '{"partial' }, /^HTTP 200 with a body that is not/],
  ["half of a protobuf", { status: 200, headers: protobuf, body: Buffer.from([10, 99]) }, /not OTLP/],
  ["too long an answer", { status: 200, headers: json, body: `"${"x".repeat(200_000)}"` }, /not OTLP/],
];

describe("what keeps spans on disk until it is over:", () => {
  it.each(FAILURES)("%s", async (_what, reply, reason) => {
    const receiver = await openReceiver();
    // Any other answer has all the time that a busy machine needs.
    const timeoutMs = reply === "hang" ? 50 : 5_000;
    const { outbox, end, warnings } = await createOutboxRig({ url: receiver.url, timeoutMs });
    end(3);
    receiver.script(reply);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, pending: 3, attempts: 1 });
    expect(outbox.stats().lastError).toMatch(reason);
    expect(outbox.stats().bytes).toBeGreaterThan(0);
    expect(warnings).toEqual([
      `Spans cannot be delivered to ${receiver.url}: ${outbox.stats().lastError}. They stay on disk until they can.`,
    ]);
    receiver.spans.length = 0;
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(3));
    expect(outbox.stats()).toMatchObject({ exported: 3, pending: 0, bytes: 0, nextAttemptAt: undefined });
  });

  it("nobody at home", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    await receiver.behave("refuse");
    end(3);
    await outbox.forceFlush();
    expect(outbox.stats().lastError).toMatch(/^connect ECONNREFUSED/);
    await receiver.behave("ok");
    await outbox.forceFlush();
    expect(receivedNames(receiver)).toEqual(names(3));
  });
});

describe("what an error says", () => {
  it.each([
    ["its message", new Error("no"), "no"],
    [
      "its code, when it has none",
      Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }),
      "ECONNREFUSED",
    ],
    ["little, when it has neither", new Error(), "unknown error"],
  ])("is %s", (_what, error, reason) => {
    expect(later(error)).toEqual({ kind: "later", reason, isSlow: false });
  });
});

describe("a success", () => {
  it.each<[string, ScriptedReply]>([
    ["an empty answer", { status: 204 }],
    ["a text", { status: 200, headers: { "content-type": "text/plain" }, body: "OK" }],
    ["an empty object", { status: 200, headers: json, body: "{}" }],
    ["null", { status: 200, headers: json, body: "null" }],
    ["no partial success", { status: 200, headers: json, body: '{"partialSuccess":null}' }],
    ["an empty message", { status: 200, headers: protobuf, body: Buffer.from([10, 0]) }],
    ["a field of later days", { status: 200, headers: protobuf, body: Buffer.from([16, 1]) }],
  ])("may be %s", async (_what, reply) => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    end(1);
    receiver.script(reply);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 1, lastError: undefined });
  });
});

/** Lets one attempt after the other fail; returns how long each was waited for. */
async function waitsOf(replies: ScriptedReply[], options: { random?: () => number } = {}): Promise<number[]> {
  const receiver = await openReceiver();
  const { outbox, end, time } = await createOutboxRig({ url: receiver.url, ...options });
  receiver.script(...replies);
  end(1);
  await outbox.forceFlush();
  const waits: number[] = [];
  for (let left = replies.length - 1; left >= 0; left--) {
    const wait = (outbox.stats().nextAttemptAt ?? 0) - time.now();
    waits.push(wait);
    time.advance(wait - 1);
    expect(receiver.requests).toHaveLength(waits.length);
    time.advance(1);
    await outbox.forceFlush();
  }
  expect(receivedNames(receiver)).toEqual(["0"]);
  expectBalance(outbox);
  return waits;
}

const failures = (count: number): ScriptedReply[] => Array.from({ length: count }, () => ({ status: 503 }));

describe("the wait for the next attempt", () => {
  it("doubles up to its limit, and is half of it at least", async () => {
    expect(await waitsOf(failures(8))).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it("is all of it at most", async () => {
    expect(await waitsOf(failures(3), { random: () => 1 })).toEqual([1_000, 2_000, 4_000]);
  });

  it("is long from the first when only a person can help", async () => {
    expect(await waitsOf([{ status: 401 }, { status: 404 }])).toEqual([15_000, 15_000]);
  });

  it.each([
    ["7", 7_000],
    [new Date(START_MS + 90_000).toUTCString(), 90_000],
    ["0", 500],
    [new Date(START_MS - 90_000).toUTCString(), 500],
    ["soon", 500],
    ["86400", 600_000],
  ])("is what the receiver asks for by Retry-After: %s", async (value, wait) => {
    expect(await waitsOf([{ status: 429, headers: { "retry-after": value } }])).toEqual([wait]);
  });

  it("is a little more than that for each of many", async () => {
    const reply = { status: 429, headers: { "retry-after": "10" } };
    expect(await waitsOf([reply], { random: () => 0.5 })).toEqual([10_500]);
  });
});

describe("a flush while the next attempt is waited for", () => {
  it("does not wait", async () => {
    const receiver = await openReceiver();
    const { outbox, end } = await createOutboxRig({ url: receiver.url });
    receiver.script({ status: 503 });
    end(1);
    await outbox.forceFlush();
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 1, attempts: 2 });
  });

  it("leaves a receiver alone that has asked for it", async () => {
    const receiver = await openReceiver();
    const { outbox, end, time } = await createOutboxRig({ url: receiver.url });
    receiver.script({ status: 503, headers: { "retry-after": "5" } });
    end(1);
    await outbox.forceFlush();
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 0, attempts: 1 });
    time.advance(5_000);
    await outbox.forceFlush();
    expect(outbox.stats()).toMatchObject({ exported: 1, attempts: 2 });
  });
});

describe("a receiver that comes and goes", () => {
  it("costs one warning per outage, none of it with the URL's secrets", async () => {
    const receiver = await openReceiver();
    const url = `${receiver.url.replace("://", "://user:pass@")}?key=secret`;
    const { outbox, end, warnings } = await createOutboxRig({ url });
    for (const mode of ["refuse", "503", "ok", "refuse"] as const) {
      await receiver.behave(mode);
      end(1);
      await outbox.forceFlush();
    }
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain(receiver.url);
    expect(warnings.join()).not.toMatch(/secret|pass/);
    await receiver.behave("ok");
    await outbox.forceFlush();
    expect(receiver.requests[0]?.headers.authorization).toBe("Basic dXNlcjpwYXNz");
    expect(receivedNames(receiver)).toEqual(names(4));
  });

  it("is nothing that whoever is told of it could break", async () => {
    const receiver = await openReceiver();
    const onWarning = () => {
      throw new Error("no");
    };
    const { outbox, end } = await createOutboxRig({ url: receiver.url, onWarning });
    receiver.script({ status: 503 });
    end(1);
    await outbox.forceFlush();
    await outbox.forceFlush();
    expect(outbox.stats().exported).toBe(1);
  });
});
