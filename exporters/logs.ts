import { invalidArgument, OrchestraError } from "../src/errors.ts";
import type { EventRecord } from "../src/event/event-log.ts";
import type { EventSink } from "../src/event/event-sink.ts";
import { logFields } from "./log-fields.ts";
import { LogFile } from "./log-file.ts";
import { type LogLevel, LogLevels } from "./log-level.ts";
import { logLine } from "./log-line.ts";
import { logMessage } from "./log-text.ts";

/** What is used of a pino instance. */
export interface LineLogger extends Record<LogLevel, (fields: object, message: string) => void> {
  isLevelEnabled?(level: string): boolean;
  flush?(done: (error?: Error) => void): void;
}

export interface LogSinkOptions {
  /** Your own pino instance, with its bindings, mixin and destination. */
  logger?: LineLogger | undefined;
  /** Lines are appended here instead, as a pino with its defaults would write them. Default: nothing is written. */
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
  if (file !== undefined) return new FileSink(new LogFile(file), levels);
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

class FileSink implements LogSink {
  readonly name = "logs";
  readonly #levels: LogLevels;
  readonly #file: LogFile;
  #closed = false;

  constructor(file: LogFile, levels: LogLevels) {
    this.#file = file;
    this.#levels = levels;
  }

  onEvent(record: EventRecord): void {
    if (this.#closed) return;
    const level = this.#levels.levelOf(record.event);
    if (level !== "debug") this.#file.write(logLine(level, record));
  }

  stats(): LogSinkStats {
    return this.#file.stats();
  }

  forceFlush(): Promise<void> {
    return this.#file.flush();
  }

  shutdown(): Promise<void> {
    this.#closed = true;
    return this.#file.close();
  }
}

function checkedLogger(logger: LineLogger): LineLogger {
  for (const level of ["debug", "info", "error"] as const) {
    if (typeof logger[level] !== "function") {
      throw invalidArgument(`logger.${level}`, "a function", logger[level]);
    }
  }
  return logger;
}
