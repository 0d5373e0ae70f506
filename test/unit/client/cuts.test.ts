import fc from "fast-check";
import { expect, it } from "vitest";
import { connect } from "../../../src/client/index.ts";
import type { Schedule } from "../../../src/client/schedule.ts";
import { eventFrame, heartbeat, textOf } from "./client-rig.ts";

/** Pauses take no time, and nothing is ever silent. */
const hasty: Schedule = (callback, delayMs) => {
  if (delayMs >= 45_000) return () => {};
  const timer = setImmediate(callback);
  return () => clearImmediate(timer);
};

/** What a bridge that holds `count` events sends to one who goes on after `after`. */
function replay(count: number, after: number): Buffer {
  const frames = Array.from({ length: count - after }, (_, n) => eventFrame(after + n + 1));
  return Buffer.from([heartbeat(after), ...frames, heartbeat(count)].join(""));
}

/** The bytes up to a cut, in chunks of some size; then the connection breaks, or ends. */
function cutStream(bytes: Buffer, cut: number, chunk: number): Response {
  const kept = bytes.subarray(0, cut);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (sent < kept.length) controller.enqueue(kept.subarray(sent, sent + chunk));
      else if (cut % 2 === 0) controller.error(new TypeError("terminated"));
      else controller.close();
      sent += chunk;
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const connections = fc.array(fc.record({ cut: fc.nat(2_000), chunk: fc.integer({ min: 1, max: 300 }) }), {
  maxLength: 12,
});

it("delivers each event once and in order, wherever connections are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 15 }), connections, async (count, cuts) => {
      const seen: string[] = [];
      let requests = 0;
      const connection = connect({
        url: "http://bridge",
        from: "e-0",
        schedule: hasty,
        fetch: async (url) => {
          const after = Number(new URL(String(url)).searchParams.get("after")?.slice(2));
          const bytes = replay(count, after);
          const { cut, chunk } = cuts[requests++] ?? { cut: bytes.length, chunk: bytes.length };
          return cutStream(bytes, cut, chunk);
        },
      });
      for await (const event of connection) {
        seen.push(textOf(event));
        if (seen.length === count) break;
      }
      expect(seen).toEqual(Array.from({ length: count }, (_, n) => String(n + 1)));
    }),
  );
});
