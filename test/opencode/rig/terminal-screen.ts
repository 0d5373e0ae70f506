const CONTROL = String.raw`\x1b\[[0-?]*[ -/]*[@-~]`;
const TEXT_COMMAND = String.raw`\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\)`;
const TOKEN = new RegExp(`${CONTROL}|${TEXT_COMMAND}|\\x1b[^[\\]P_]|[^\\x1b]`, "gsuy");
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a terminal is told by
const MOVE = /^\x1b\[(\d+);(\d+)H$/;
const FRAME_BEGINS = "\x1b[?2026h";
const FRAME_ENDS = "\x1b[?2026l";

/**
 * What a terminal shows that knows no more than OpenCode's screen needs: it is drawn in frames, between the
 * marks of synchronized output, and each run of characters is put to its place.
 */
export class TerminalScreen {
  readonly #rows: string[][] = [];
  #row = 0;
  #column = 0;
  #isInFrame = false;
  #printed = "";
  /** The beginning of a sequence whose rest has not come. */
  #rest = "";

  /** What is to be seen, line by line. */
  get text(): string {
    return this.#rows.map((row) => Array.from(row, (character = " ") => character).join("")).join("\n");
  }

  /** What was written beside the frames, by whomever, without colours and other commands. */
  get printed(): string {
    return this.#printed;
  }

  write(output: string): void {
    const pending = this.#rest + output;
    let end = 0;
    for (const [token] of pending.matchAll(TOKEN)) {
      this.#take(token);
      end += token.length;
    }
    this.#rest = pending.slice(end);
  }

  #take(token: string): void {
    if (token === FRAME_BEGINS) this.#isInFrame = true;
    else if (token === FRAME_ENDS) this.#isInFrame = false;
    else if (token.startsWith("\x1b")) this.#move(token);
    else if (this.#isInFrame) this.#draw(token);
    else this.#printed += token;
  }

  #move(command: string): void {
    const [, row, column] = MOVE.exec(command) ?? [];
    if (row === undefined) return;
    this.#row = Number(row) - 1;
    this.#column = Number(column) - 1;
  }

  #draw(character: string): void {
    this.#rows[this.#row] ??= [];
    (this.#rows[this.#row] as string[])[this.#column++] = character;
  }
}
