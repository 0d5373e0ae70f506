const MAX_LINES = 200;
const MAX_BYTES = 16 * 1024;

/** Remembers the end of a command's output: at most 200 lines and 16 KB. */
export class OutputTail {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    const bytes = chunk.length >= MAX_BYTES ? chunk : Buffer.concat([this.#bytes, chunk]);
    // A copy, as a view would keep all of a large chunk alive.
    this.#bytes = bytes.length > MAX_BYTES ? Buffer.from(bytes.subarray(-MAX_BYTES)) : bytes;
  }

  /** The lines that are remembered, without white space around them. */
  text(): string {
    return this.#whole().toString().trim().split("\n").slice(-MAX_LINES).join("\n");
  }

  /** The last line that is not blank; empty when there is none. */
  lastLine(): string {
    return this.text().split("\n").at(-1)?.trim() ?? "";
  }

  /** Without the rest of a UTF-8 character whose beginning was let go of. */
  #whole(): Buffer {
    let start = 0;
    while (((this.#bytes[start] ?? 0) & 0xc0) === 0x80) start++;
    return this.#bytes.subarray(start);
  }
}
