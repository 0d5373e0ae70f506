/** An answer of HTTP/1.1, as far as it is looked at. */
export interface HostileAnswer {
  status: number;
  isLast: boolean;
  isFeed: boolean;
  body: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Reads the answers of one connection, knowing nothing of the server's own reader. */
export class HostileAnswers {
  readonly answers: HostileAnswer[] = [];
  /** Methods of the requests, as an answer to HEAD has no body whatever it says. */
  readonly #methods: readonly string[];
  #bytes: Buffer = Buffer.alloc(0);
  /** Why what came is no answer. */
  fault: string | undefined;

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  /** Bytes that belong to no whole answer yet. */
  get left(): Buffer {
    return this.#bytes;
  }

  feed(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.fault === undefined && this.#take());
  }

  #take(): boolean {
    const end = this.#bytes.indexOf(HEAD_END);
    if (end === -1 || this.answers.at(-1)?.isFeed) return false;
    const head = this.#bytes.toString("latin1", 0, end);
    const status = Number(/^HTTP\/1\.1 ([1-5][0-9][0-9]) /.exec(head)?.[1]);
    if (Number.isNaN(status)) {
      this.fault = `no answer: ${JSON.stringify(head.slice(0, 200))}`;
      return false;
    }
    const isFeed = /\r\ncontent-type: text\/event-stream/i.test(head);
    const hasBody = this.#methods[this.answers.length] !== "HEAD" && status >= 200 && status !== 204;
    const length = hasBody && !isFeed ? Number(/\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1]) : 0;
    if (Number.isNaN(length)) this.fault = `no length: ${JSON.stringify(head.slice(0, 300))}`;
    const start = end + HEAD_END.length;
    if (this.fault !== undefined || this.#bytes.length < start + length) return false;
    const body = this.#bytes.subarray(start, start + length);
    this.#bytes = this.#bytes.subarray(start + length);
    const isLast = /\r\nconnection: close/i.test(head);
    // What only says to go on is not the answer.
    if (status >= 200) this.answers.push({ status, isLast, isFeed, body });
    return true;
  }
}
