import { createRequire } from "node:module";
import { invalidArgument, OrchestraError } from "../src/errors.ts";
import type { OrchestratorEvent } from "../src/event/event.ts";
import { subjectOf } from "../src/event/event-filter.ts";
import type { EventRecord } from "../src/event/event-log.ts";
import type { EventSink } from "../src/event/event-sink.ts";
import { LogFile } from "./log-file.ts";
import { type LogLevel, LogLevels } from "./log-level.ts";
import { logMessage } from "./log-text.ts";

/** What is used of a pino instance. */
export interface LineLogger extends Record<LogLevel, (fields: object, message: string) => void> {
  isLevelEnabled?(level: string): boolean;
  flush?(done: (error?: Error) => void): void;
}

export interface LogSinkOptions {
  /** Your own pino instance, with its bindings, mixin and destination. */
  logger?: LineLogger | undefined;
  /** Lines are appended here instead, by a pino of our own. Default: nothing is written. */
  file?: string | undefined;
  /** Progress of one job more often than this is logged as `debug`, in milliseconds. Default: 1,000. */
  progressIntervalMs?: number | undefined;
}

export interface LogSinkStats {
  /** Lines that reached the logger or, with `file`, the file. */
  written: number;
  /** Lines lost on the way to the file. */
  dropped: number;
}

export interface LogSink extends EventSink {
  stats(): LogSinkStats;
}

/**
 * One pino line per event. What a logger throws is thrown on, for the publisher to count.
 * @throws INVALID_CONFIG for both a logger and a file, or a file that cannot be opened;
 *   INVALID_ARGUMENT for a logger without pino's methods
 */
export function createLogSink(options: LogSinkOptions = {}): LogSink {
  const { logger, file, progressIntervalMs = 1_000 } = options;
  if (logger !== undefined && file !== undefined) {
    throw new OrchestraError("INVALID_CONFIG", "Expected `logger` or `file`, got both", { path: "file" });
  }
  const levels = new LogLevels(progressIntervalMs);
  if (file !== undefined) return fileSink(file, levels);
  return new LoggerSink(logger && checkedLogger(logger), levels);
}

class LoggerSink implements LogSink {
  readonly name = "logs";
  readonly #levels: LogLevels;
  /** Undefined when nothing is to be written: none was given, or after shutdown. */
  #logger: LineLogger | undefined;
  #written = 0;

  constructor(logger: LineLogger | undefined, levels: LogLevels) {
    this.#logger = logger;
    this.#levels = levels;
  }

  onEvent(record: EventRecord): void {
    const logger = this.#logger;
    if (logger === undefined) return;
    const { event } = record;
    const level = this.#levels.levelOf(event);
    if (logger.isLevelEnabled?.(level) === false) return;
    logger[level](logFields(record), logMessage(event));
    this.#written++;
  }

  stats(): LogSinkStats {
    return { written: this.#written, dropped: 0 };
  }

  forceFlush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#logger?.flush === undefined) resolve();
      else this.#logger.flush(() => resolve());
    });
  }

  async shutdown(): Promise<void> {
    const flushed = this.forceFlush();
    this.#logger = undefined;
    await flushed;
  }
}

function fileSink(path: string, levels: LogLevels): LogSink {
  // Loaded here, so that who brings a logger or wants no lines does not pay for it.
  const { pino } = createRequire(import.meta.url)("pino") as typeof import("pino");
  const file = new LogFile(path);
  const sink = new LoggerSink(pino({}, { write: (line) => file.write(line) }), levels);
  return {
    name: sink.name,
    onEvent: (record) => sink.onEvent(record),
    stats: () => file.stats(),
    forceFlush: () => file.flush(),
    shutdown: async () => {
      await sink.shutdown();
      await file.close();
    },
  };
}

/** The fields of docs/logs.md; pino leaves out what is undefined. */
function logFields({ event, cursor }: EventRecord): object {
  const { jobId, workerId, sessionId } = subjectOf(event);
  const { status, durationMs, errorType } = (event.data ?? {}) as EventDetails;
  return {
    event: event.type,
    event_id: event.id,
    cursor,
    job_id: jobId,
    worker_id: workerId,
    session_id: sessionId,
    status,
    duration_ms: durationMs,
    error_type: errorType,
    ...traceFields(event),
  };
}

interface EventDetails {
  status?: string;
  durationMs?: number;
  errorType?: string;
}

/** `00-<trace id>-<span id>-<flags>`: https://www.w3.org/TR/trace-context/#traceparent-header */
function traceFields({ traceparent }: OrchestratorEvent): object {
  if (traceparent === undefined) return {};
  const [, trace_id, span_id, trace_flags] = traceparent.split("-");
  return { trace_id, span_id, trace_flags };
}

function checkedLogger(logger: LineLogger): LineLogger {
  for (const level of ["debug", "info", "error"] as const) {
    if (typeof logger[level] !== "function") {
      throw invalidArgument(`logger.${level}`, "a function", logger[level]);
    }
  }
  return logger;
}
