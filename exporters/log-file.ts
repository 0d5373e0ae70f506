import { appendFile, closeSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { OrchestraError } from "../src/errors.ts";

const append = promisify(appendFile);

/** Write at once when this much waits, in UTF-16 code units; each write costs a thread switch. */
const CHUNK_LENGTH = 64 * 1024;
/** Lines beyond this much waiting are dropped and counted, in UTF-16 code units. */
const MAX_WAITING_LENGTH = 4 * 1024 * 1024;

export interface LogFileOptions {
  /** Longest time a line waits, in milliseconds. Default: 200. */
  flushIntervalMs?: number | undefined;
}

/**
 * A file that lines are appended to off the caller's thread, and that knows what became of each. A
 * pino destination; sonic-boom, pino's own, calls a flush done while up to `minLength` bytes still
 * wait when a write was under way, so it cannot be the barrier that `forceFlush` promises.
 */
export class LogFile {
  readonly #fd: number;
  readonly #flushIntervalMs: number;
  #waiting: string[] = [];
  #waitingLength = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #written = 0;
  #dropped = 0;

  /** @throws INVALID_CONFIG when the file cannot be opened for appending */
  constructor(path: string, options: LogFileOptions = {}) {
    this.#flushIntervalMs = options.flushIntervalMs ?? 200;
    try {
      this.#fd = openSync(path, "a");
    } catch (cause) {
      throw new OrchestraError("INVALID_CONFIG", `Cannot open log file \`${path}\`: ${String(cause)}`, {
        path: "file",
        cause,
      });
    }
    process.on("exit", this.#writeRest);
  }

  /** Lines that the file holds, and lines lost as too many waited or the disk took no more. */
  stats(): { written: number; dropped: number } {
    return { written: this.#written, dropped: this.#dropped };
  }

  /** Takes one line with its end. */
  write(line: string): void {
    if (this.#closing !== undefined || this.#waitingLength + line.length > MAX_WAITING_LENGTH) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    if (this.#waitingLength >= CHUNK_LENGTH) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.#flushIntervalMs).unref();
  }

  /** Resolves when every line taken so far is in the file, or lost and counted. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#draining === undefined && this.#waiting.length > 0) this.#draining = this.#drain();
    return this.#draining ?? Promise.resolve();
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => {
      process.off("exit", this.#writeRest);
      closeSync(this.#fd);
    });
    return this.#closing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#take();
      try {
        await append(this.#fd, lines.join(""));
        this.#written += lines.length;
      } catch {
        this.#dropped += lines.length;
      }
    }
    // Here and not once the promise has settled: until then a line might come that nobody writes.
    this.#draining = undefined;
  }

  /** A host that exits without shutting down loses nothing, either. */
  readonly #writeRest = (): void => {
    const lines = this.#take();
    try {
      writeSync(this.#fd, lines.join(""));
      this.#written += lines.length;
    } catch {
      this.#dropped += lines.length;
    }
  };

  #take(): string[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingLength = 0;
    return lines;
  }
}
