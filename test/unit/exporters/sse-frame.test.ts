import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, type SseFrame } from "../../../exporters/sse.ts";
import { encodeHeartbeat, encodeRecord, encodeResync } from "../../../exporters/sse-frame.ts";
import { HOSTILE_TEXT, hostileRecords } from "../../fixtures/hostile-events.ts";
import { readStream } from "../../fixtures/sse-connection.ts";

const read = (...frames: string[]) => readStream(frames.map((frame) => Buffer.from(frame)));
const invalid = (path: string) => expect.objectContaining({ code: "INVALID_FRAME", path });

/** What a reader makes of line breaks, and UTF-8 of half a character. */
const received = (text: string) => text.replace(/\r\n|\r/g, "\n").toWellFormed();

const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("\r", "\n", "\0", ":", " ", "id", "data", "event", "retry", "\ufeff", "x"),
  }),
  fc.constant(HOSTILE_TEXT),
);

describe("encodeFrame", () => {
  it("writes the fields in the order of the specification's examples", () => {
    expect(encodeFrame({ comment: "c", retry: 5, id: "7", event: "e", data: "d" })).toBe(
      ": c\nretry: 5\nid: 7\nevent: e\ndata: d\n\n",
    );
  });

  it("splits data and comments on CRLF, CR and LF", () => {
    expect(encodeFrame({ data: "a\r\nb\rc\nd", comment: "x\ry" })).toBe(
      ": x\n: y\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
    );
  });

  it("keeps leading spaces, colons and empty data", () => {
    expect(
      read(encodeFrame({ id: " 1", event: ":e", data: " x" }), encodeFrame({ data: "" })).events,
    ).toEqual([
      { id: " 1", event: ":e", data: " x" },
      { id: undefined, event: undefined, data: "" },
    ]);
  });

  it.each(["\r", "\n", "\0", "a\nb", "1\nevent: pwn"])("refuses %j in an id and in an event name", (text) => {
    expect(() => encodeFrame({ id: text })).toThrow(invalid("id"));
    expect(() => encodeFrame({ event: text, data: "" })).toThrow(invalid("event"));
  });

  it.each(["open", "error", "message", ""])(
    "refuses the event name %j, which EventSource takes for its own",
    (event) => {
      expect(() => encodeFrame({ event })).toThrow(invalid("event"));
    },
  );

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "5" as never])(
    "refuses a retry of %s",
    (retry) => {
      expect(() => encodeFrame({ retry })).toThrow(invalid("retry"));
    },
  );

  it("refuses what only looks like a string", () => {
    const sly = { toString: () => "1\n\ndata: forged\n\n" };
    expect(() => encodeFrame({ id: sly as never })).toThrow(invalid("id"));
    expect(() => encodeFrame({ event: sly as never })).toThrow(invalid("event"));
  });

  it("is read back by an independent parser as exactly what was put in, or refuses", () => {
    const frame = fc.record({
      id: hostileText,
      event: hostileText,
      data: hostileText,
      retry: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(frame, (input) => {
        const text = attempt(input);
        fc.pre(text !== undefined);
        const { events, retries } = read(text as string);
        expect(retries).toEqual([input.retry]);
        expect(events).toEqual([
          { id: input.id.toWellFormed(), event: input.event.toWellFormed(), data: received(input.data) },
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it("never lets data or a comment forge a frame", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ data: hostileText, comment: hostileText }), { maxLength: 5 }),
        (frames) => {
          const { events, ids, retries } = read(...frames.map(encodeFrame));
          expect(events.map(({ data }) => data)).toEqual(frames.map(({ data }) => received(data)));
          expect([ids, retries]).toEqual([[], []]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the frames of a feed", () => {
  it("carry each record's cursor, type and JSON, whatever the record holds", () => {
    const records = hostileRecords();
    const { events } = readStream(records.map((record) => Buffer.from(encodeRecord(record))));
    expect(events).toEqual(
      records.map(({ cursor, event, json }) => ({ id: cursor, event: event.type, data: json })),
    );
  });

  it("move a client's cursor with a heartbeat that dispatches nothing", () => {
    expect(readStream([encodeHeartbeat("e-7")])).toMatchObject({ events: [], ids: ["e-7"] });
  });

  it.each([undefined, "not\na cursor"])("have a heartbeat for the cursor %j, too", (cursor) => {
    expect(readStream([encodeHeartbeat(cursor)])).toEqual({
      events: [],
      ids: [],
      comments: [""],
      retries: [],
    });
  });

  it("tell of a resync without an id, with what was requested cut short", () => {
    const requested = `1\nevent: pwn\n\n${"x".repeat(1_000)}`;
    const { events } = readStream([
      encodeResync("malformed", requested, { oldest: undefined, latest: "e-0" }),
    ]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ id: undefined, event: "orchestra.stream.resync" });
    expect(JSON.parse(events[0]?.data as string)).toEqual({
      reason: "malformed",
      requested: requested.slice(0, 128),
      oldest: null,
      latest: "e-0",
    });
  });
});

function attempt(frame: SseFrame): string | undefined {
  try {
    return encodeFrame(frame);
  } catch {
    return undefined;
  }
}
