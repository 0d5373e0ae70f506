import type { JobProgressInput } from "../job/job-input.ts";
import { PROGRESS_MARK, parseProgressLine } from "./progress-line.ts";

const MARK = Buffer.from(PROGRESS_MARK);
const NEWLINE = 0x0a;
/** A marked line longer than this, in bytes, is output. */
const MAX_LINE_BYTES = 8 * 1024;

/**
 * Takes the progress lines out of a command's output and lets every other byte through as it came and
 * at once: only the beginning of a line that may still turn out to be progress is held back.
 */
export class ProgressFilter {
  readonly #onProgress: (progress: JobProgressInput) => void;
  #held: Buffer = Buffer.alloc(0);
  #isLineStart = true;

  constructor(onProgress: (progress: JobProgressInput) => void) {
    this.#onProgress = onProgress;
  }

  /** @returns what is to be printed */
  push(chunk: Buffer): Buffer {
    let input = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    const output: Buffer[] = [];
    while (input.length > 0) {
      const newline = input.indexOf(NEWLINE);
      const line = newline === -1 ? input : input.subarray(0, newline + 1);
      const isWhole = newline !== -1;
      if (!isWhole && this.#mayBeProgress(line)) {
        this.#held = line;
        break;
      }
      if (!(isWhole && this.#isProgress(line))) output.push(line);
      this.#isLineStart = isWhole;
      input = input.subarray(line.length);
    }
    return output.length === 1 ? (output[0] as Buffer) : Buffer.concat(output);
  }

  /** The output has ended. @returns what is still to be printed */
  end(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#isProgress(rest) ? Buffer.alloc(0) : rest;
  }

  #mayBeProgress(line: Buffer): boolean {
    if (!this.#isLineStart || line.length > MAX_LINE_BYTES) return false;
    const length = Math.min(line.length, MARK.length);
    return line.compare(MARK, 0, length, 0, length) === 0;
  }

  #isProgress(line: Buffer): boolean {
    if (line.length < MARK.length || !this.#mayBeProgress(line)) return false;
    const progress = parseProgressLine(line.toString());
    if (progress === undefined) return false;
    this.#onProgress(progress);
    return true;
  }
}
