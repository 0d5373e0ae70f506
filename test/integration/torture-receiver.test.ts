import { expect, it, onTestFinished } from "vitest";
import { Receiver } from "../torture/receiver.ts";

/** A request of one span in OTLP's JSON. */
function requestOf(spanId: string): string {
  const times = { startTimeUnixNano: "1000000", endTimeUnixNano: "2000000" };
  const span = {
    traceId: "1".repeat(32),
    spanId,
    name: spanId,
    kind: 1,
    ...times,
    attributes: [],
    status: {},
  };
  return JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans: [span] }] }] });
}

it("answers each of two questions asked at once with what was asked", async () => {
  const receiver = await Receiver.start();
  onTestFinished(() => receiver.stop());
  const spanIds = { first: "a".repeat(16), second: "b".repeat(16) };
  for (const [sender, spanId] of Object.entries(spanIds)) {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(receiver.url(sender), { method: "POST", headers, body: requestOf(spanId) });
    expect(answer.status).toBe(200);
  }
  const [first, second] = await Promise.all([receiver.spans("first"), receiver.spans("second")]);
  expect([first, second].map((spans) => spans.map(({ spanId }) => spanId))).toEqual([
    [spanIds.first],
    [spanIds.second],
  ]);
});
