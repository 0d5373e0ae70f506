import type { Terminal } from "./context.ts";
import { write } from "./terminal.ts";

/** Longest time a line or a change of the bars waits, in milliseconds; so ten redraws a second. */
const REDRAW_MS = 100;
/** Lines that wait at most; the terminal is waited for then. */
const MAX_WAITING = 1_000;
const DEFAULT_COLUMNS = 80;

/** Lines that scroll, above a footer that is redrawn in place. Nothing stays behind of the footer. */
export class LiveScreen {
  readonly #out: Terminal;
  readonly #footer: (columns: number) => string[];
  #waiting: string[] = [];
  #footerHeight = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param footer lines of at most so many columns on the screen */
  constructor(out: Terminal, footer: (columns: number) => string[]) {
    this.#out = out;
    this.#footer = footer;
  }

  /** Resolves when there is room for more. Rejects when nobody reads any more. */
  async print(line: string): Promise<void> {
    this.#waiting.push(line);
    this.refresh();
    if (this.#waiting.length >= MAX_WAITING) await this.#draw(true);
  }

  /** Draws soon; many calls make one redraw. */
  refresh(): void {
    this.#timer ??= setTimeout(() => {
      // A terminal that is gone is noticed by the next `print` or by `close`.
      this.#draw(true).catch(() => {});
    }, REDRAW_MS);
  }

  /** Prints what waits and takes the footer away. */
  close(): Promise<void> {
    return this.#draw(false);
  }

  #draw(withFooter: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Some terminals do not know their width, and say 0.
    const columns = this.#out.columns || DEFAULT_COLUMNS;
    const footer = withFooter ? this.#footerLines(columns - 1) : [];
    const text = `${this.#eraseFooter()}${[...this.#waiting, ...footer].map((line) => `${line}\n`).join("")}`;
    this.#waiting = [];
    this.#footerHeight = footer.length;
    return text === "" ? Promise.resolve() : write(this.#out, text);
  }

  /** A footer that cannot be drawn must not take the lines with it. */
  #footerLines(columns: number): string[] {
    try {
      return this.#footer(columns);
    } catch {
      return [];
    }
  }

  /** Cursor up to the footer's first line, then erase to the end of the screen (ECMA-48). */
  #eraseFooter(): string {
    return this.#footerHeight === 0 ? "" : `\x1b[${this.#footerHeight}A\x1b[J`;
  }
}
