import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, expect } from "vitest";
import { createLogSink } from "../../../exporters/logs.ts";
import type { EventRecord } from "../../../src/event/event-log.ts";
import { describeEventSink, describeIdleEventSink } from "../../conformance/event-sink.ts";

const directory = mkdtempSync(join(tmpdir(), "orchestra-logs-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Of level `debug`, which a file does not keep. */
const QUIET = ["orchestra.worker.stream", "orchestra.skill.load.started"];

/** How many of the records have a line of their own. */
function linesOf(records: readonly EventRecord[], lines: readonly string[]): number {
  const cursors = new Set(lines.map((line) => (JSON.parse(line) as { cursor?: string }).cursor));
  return records.filter(({ cursor }) => cursors.has(cursor)).length;
}

describeIdleEventSink("log lines into nothing", () => createLogSink());

describeEventSink("log lines through a user's pino", () => {
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  return { sink: createLogSink({ logger }), delivered: (records) => linesOf(records, lines) };
});

let files = 0;
describeEventSink("log lines into a file", () => {
  const file = join(directory, `jobs-${++files}.log`);
  return {
    sink: createLogSink({ file }),
    delivered: (records) => {
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
      const quiet = records.filter(({ event }) => QUIET.includes(event.type));
      expect(linesOf(quiet, lines)).toBe(0);
      return lines.length === 0 ? 0 : linesOf(records, lines) + quiet.length;
    },
  };
});
