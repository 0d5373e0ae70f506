import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogSink } from "../../../exporters/logs.ts";
import { createOrchestratorEvent, type OrchestratorEvent } from "../../../src/event/event.ts";
import { encodeJson } from "../../../src/event/event-json.ts";
import type { EventRecord } from "../../../src/event/event-log.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";
const facts = { jobId: "job-1", workerId: "build", sessionId: "session-1", revision: 1, startedAt: 1_000 };

function recordOf(event: OrchestratorEvent): EventRecord {
  return { cursor: "epoch-1", event, json: encodeJson(event) };
}

function created(message = "compile the lexer"): OrchestratorEvent {
  const data = { ...facts, status: "running", message, messageLength: message.length } as const;
  return createOrchestratorEvent("orchestra.job.created", data, {
    id: "event-1",
    traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
  });
}

function failed(): OrchestratorEvent {
  return createOrchestratorEvent("orchestra.job.failed", {
    ...facts,
    status: "failed",
    finishedAt: 2_200,
    durationMs: 1_200,
    error: "exit code 3",
    errorType: "exit_3",
  });
}

function progress(timestamp: number, jobId = "job-1"): OrchestratorEvent {
  const data = { ...facts, jobId, status: "running", message: "linking", updatedAt: timestamp } as const;
  return createOrchestratorEvent("orchestra.job.progress", data, { timestamp });
}

/** A user's pino at `debug`, writing into memory. */
function memoryLogger(options: Parameters<typeof pino>[0] = {}) {
  const text: string[] = [];
  const logger = pino({ level: "debug", ...options } as object, { write: (line) => void text.push(line) });
  return { logger, lines: () => text.map((line) => JSON.parse(line)) };
}

describe("a log line", () => {
  test("has one field for each fact of the event, and a message for people", () => {
    const { logger, lines } = memoryLogger({ base: null, timestamp: false });
    const sink = createLogSink({ logger });

    sink.onEvent(recordOf(created()));

    expect(lines()).toEqual([
      {
        level: 30,
        event: "orchestra.job.created",
        event_id: "event-1",
        cursor: "epoch-1",
        job_id: "job-1",
        worker_id: "build",
        session_id: "session-1",
        status: "running",
        trace_id: TRACE_ID,
        span_id: SPAN_ID,
        trace_flags: "01",
        msg: "build started: compile the lexer",
      },
    ]);
  });

  test("of an end has the duration and the class of the failure", () => {
    const { logger, lines } = memoryLogger();

    createLogSink({ logger }).onEvent(recordOf(failed()));

    expect(lines()).toMatchObject([
      { level: 50, status: "failed", duration_ms: 1_200, error_type: "exit_3" },
    ]);
    expect(lines()[0]).not.toHaveProperty("trace_id");
  });

  test("takes a text with format placeholders as it is", () => {
    const { logger, lines } = memoryLogger();

    createLogSink({ logger }).onEvent(recordOf(created("100%s %d %j")));

    expect(lines()[0].msg).toBe("build started: 100%s %d %j");
  });
});

describe("the user's own pino instance", () => {
  test("keeps its bindings, its mixin and its own field names", () => {
    const { logger, lines } = memoryLogger({
      base: { service: "shop" },
      mixin: () => ({ region: "eu", trace_id: "of another active span" }),
      messageKey: "message",
    });

    createLogSink({ logger: logger.child({ tenant: "a" }) }).onEvent(recordOf(created()));

    expect(lines()).toMatchObject([
      {
        service: "shop",
        tenant: "a",
        region: "eu",
        trace_id: TRACE_ID,
        message: "build started: compile the lexer",
      },
    ]);
  });

  test("is asked for its level before a line is made", () => {
    const { logger, lines } = memoryLogger({ level: "error" });
    const sink = createLogSink({ logger });

    sink.onEvent(recordOf(created()));
    sink.onEvent(recordOf(failed()));

    expect(lines().map((line) => line.status)).toEqual(["failed"]);
    expect(sink.stats()).toEqual({ written: 1, dropped: 0 });
  });

  test("may be anything with pino's level methods", async () => {
    const messages: string[] = [];
    const log = (_fields: object, message: string) => void messages.push(message);
    const sink = createLogSink({ logger: { debug: log, info: log, error: log } });

    sink.onEvent(recordOf(created()));
    await sink.forceFlush();

    expect(messages).toEqual(["build started: compile the lexer"]);
  });

  test("is flushed but not closed at shutdown, and gets nothing afterwards", async () => {
    const { logger, lines } = memoryLogger();
    let flushes = 0;
    logger.flush = (done) => {
      flushes++;
      done?.();
    };
    const sink = createLogSink({ logger });

    await sink.shutdown();
    sink.onEvent(recordOf(created()));

    expect(flushes).toBe(1);
    expect(lines()).toEqual([]);
  });

  test("that throws is left to the publisher, which counts it", () => {
    const { logger } = memoryLogger({
      mixin: () => {
        throw new Error("broken mixin");
      },
    });
    const sink = createLogSink({ logger });

    expect(() => sink.onEvent(recordOf(created()))).toThrow("broken mixin");
    expect(sink.stats()).toEqual({ written: 0, dropped: 0 });
  });

  test.each([[{}], [{ info: () => {}, debug: () => {} }]])("is refused when it is not one: %j", (bad) => {
    expect(() => createLogSink({ logger: bad as never })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", path: expect.stringMatching(/^logger\./) }),
    );
  });
});

describe("progress", () => {
  test("is logged at info once a second a job, and at debug in between", () => {
    const { logger, lines } = memoryLogger();
    const sink = createLogSink({ logger });

    for (const timestamp of [10_000, 10_999, 11_000, 11_500]) sink.onEvent(recordOf(progress(timestamp)));
    sink.onEvent(recordOf(progress(11_500, "job-2")));

    expect(lines().map(({ level, job_id }) => [level, job_id])).toEqual([
      [30, "job-1"],
      [20, "job-1"],
      [30, "job-1"],
      [20, "job-1"],
      [30, "job-2"],
    ]);
  });

  test("keeps to the interval it was given", () => {
    const { logger, lines } = memoryLogger();
    const sink = createLogSink({ logger, progressIntervalMs: 0 });

    for (const timestamp of [10_000, 10_000]) sink.onEvent(recordOf(progress(timestamp)));

    expect(lines().map(({ level }) => level)).toEqual([30, 30]);
  });
});

describe("without a logger or a file", () => {
  test("nothing is written", async () => {
    const sink = createLogSink();

    sink.onEvent(recordOf(created()));
    await sink.forceFlush();
    await sink.shutdown();

    expect(sink.stats()).toEqual({ written: 0, dropped: 0 });
  });
});

describe("a log file of one's own", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "orchestra-logs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("is appended to, and complete after a flush", async () => {
    const file = join(directory, "jobs.log");
    for (const event of [created(), failed()]) {
      const sink = createLogSink({ file });
      sink.onEvent(recordOf(event));
      await sink.forceFlush();
      expect(sink.stats()).toEqual({ written: 1, dropped: 0 });
      await sink.shutdown();
    }

    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
      "build started: compile the lexer",
      "build failed after 1.2 s: exit code 3",
    ]);
  });

  test("takes nothing after shutdown, which may be asked for twice", async () => {
    const file = join(directory, "jobs.log");
    const sink = createLogSink({ file });

    await Promise.all([sink.shutdown(), sink.shutdown()]);
    sink.onEvent(recordOf(created()));

    expect(readFileSync(file, "utf8")).toBe("");
    expect(sink.stats()).toEqual({ written: 0, dropped: 0 });
  });

  test("that cannot be opened is named at once", () => {
    const file = join(directory, "missing", "jobs.log");

    expect(() => createLogSink({ file })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(file) }),
    );
  });

  test("excludes a logger: each line has one way out", () => {
    const { logger } = memoryLogger();

    expect(() => createLogSink({ logger, file: join(directory, "jobs.log") })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
  });
});
