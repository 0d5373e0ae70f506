import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { logFields } from "../../../exporters/log-fields.ts";
import { logLine } from "../../../exporters/log-line.ts";
import { logMessage } from "../../../exporters/log-text.ts";
import { EVENT_TYPES, type OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeEvent } from "../../../src/event/event-json.ts";
import type { EventRecord } from "../../../src/event/event-log.ts";
import { exampleEvents } from "../../fixtures/event-examples.ts";
import { hostileRecords } from "../../fixtures/hostile-events.ts";

const LEVELS = ["debug", "info", "error"] as const;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_795_342_422_876 }));
afterEach(() => void vi.useRealTimers());

/** What a pino with its defaults writes for the record; `debug` would be below its level. */
function pinoLine(level: (typeof LEVELS)[number], record: EventRecord): string {
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line) => void lines.push(line) });
  logger[level](logFields(record), logMessage(record.event));
  return lines.join("");
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.constantFrom("", '"', "\\", "a\nb\u0000", "\u2028\u007f", "\ud800", "%s %d %%"),
);
/** What the types promise, and what a program without types may hand over. */
const loose = fc.oneof(
  { weight: 4, arbitrary: text },
  {
    weight: 1,
    arbitrary: fc.constantFrom(undefined, null, 7, Number.NaN, true, 10n, ["a"], { a: "b" }, () => 1),
  },
);
const traceparent = fc.option(
  fc.oneof(fc.constant("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), text),
  { nil: undefined },
);
const data = fc.oneof(
  fc.constant(undefined),
  fc.record(
    {
      jobId: loose,
      workerId: loose,
      sessionId: loose,
      status: loose,
      durationMs: fc.oneof(fc.double(), loose),
      errorType: loose,
      message: loose,
      error: loose,
    },
    { requiredKeys: [] },
  ),
);
const record = fc
  .record({
    event: fc.record({
      version: fc.constant(1),
      id: text,
      type: fc.constantFrom(...EVENT_TYPES),
      timestamp: fc.integer(),
      traceparent,
      data,
    }),
    cursor: fc.constant("f6925488-3"),
  })
  .map(({ event, cursor }) => ({ ...encodeEvent(event as OrchestratorEvent), cursor }));

describe("a line of a log file", () => {
  test.each(exampleEvents())("is to the letter what pino writes for $type", (event) => {
    const record = { ...encodeEvent(event), cursor: "f6925488-3" };
    for (const level of LEVELS) expect(logLine(level, record)).toBe(pinoLine(level, record));
  });

  test.each(LEVELS)("at %s says what pino's says of hostile events", (level) => {
    for (const record of hostileRecords()) {
      expect(JSON.parse(logLine(level, record))).toEqual(JSON.parse(pinoLine(level, record)));
    }
  });

  test("says what pino's says, whatever the event holds", () => {
    fc.assert(
      fc.property(fc.constantFrom(...LEVELS), record, (level, some) => {
        const line = logLine(level, some);
        expect(JSON.parse(line)).toEqual(JSON.parse(pinoLine(level, some)));
        expect(line.indexOf("\n")).toBe(line.length - 1);
      }),
      { numRuns: 500 },
    );
  });
});
