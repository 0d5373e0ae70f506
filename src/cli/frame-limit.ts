import type { EventSourceParser } from "eventsource-parser";

/** A blank line, whichever of the three line ends a stream uses. */
const END_OF_FRAME = /\n\r?\n|\r\r/;
/** The id stands before the data in a frame, within so many characters. */
const HEAD_LENGTH = 1_024;

export interface FrameLimitOptions {
  /** Characters of the longest frame that is let through. */
  maxLength: number;
  /** Told of each frame that is longer, with its id when it has one. */
  onSkipped: (id: string | undefined) => void;
}

/** Feeds a parser and keeps frames from it that are too long to be held. */
export class FrameLimit {
  readonly #parser: EventSourceParser;
  readonly #options: FrameLimitOptions;
  #head = "";
  #length = 0;
  #isSkipping = false;
  /** Line ends that may turn out to belong to a blank line. */
  #lineEnds = "";

  constructor(parser: EventSourceParser, options: FrameLimitOptions) {
    this.#parser = parser;
    this.#options = options;
  }

  feed(text: string): void {
    let rest = this.#lineEnds + text;
    for (let end = END_OF_FRAME.exec(rest); end !== null; end = END_OF_FRAME.exec(rest)) {
      const length = end.index + end[0].length;
      this.#take(rest.slice(0, length));
      rest = rest.slice(length);
      this.#length = 0;
      this.#head = "";
      this.#isSkipping = false;
    }
    this.#lineEnds = /[\r\n]*$/.exec(rest.slice(-2))?.[0] ?? "";
    this.#take(rest.slice(0, rest.length - this.#lineEnds.length));
  }

  #take(part: string): void {
    if (this.#isSkipping) return;
    this.#length += part.length;
    if (this.#head.length < HEAD_LENGTH) this.#head += part.slice(0, HEAD_LENGTH);
    if (this.#length <= this.#options.maxLength) {
      this.#parser.feed(part);
      return;
    }
    this.#isSkipping = true;
    this.#parser.reset();
    this.#options.onSkipped(/^id: ?([^\r\n]*)/m.exec(this.#head)?.[1]);
  }
}
