import { connect, type Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { createParser, type EventSourceParser } from "eventsource-parser";
import { FeedOrder, placeOf } from "./feed-order.ts";

export interface FeedClientOptions {
  port: number;
  /** A filter, as it stands in the URL. */
  query?: string | undefined;
  /** Whether it sees every event. Default: without a filter only; else it sees those of one worker. */
  seesAll?: boolean | undefined;
  /** Where it begins. Default: with what comes. */
  lastEventId?: string | undefined;
  /** What it reads in a second; 0: nothing, until `wake`. Default: all there is. */
  bytesPerSecond?: number | undefined;
  /** Whether it comes back when it is cut off. Default: true. */
  returns?: boolean | undefined;
  /** Whether it looks how old events are when they come. Default: false. */
  isTimed?: boolean | undefined;
}

/** How connections came to their end. */
export interface Cuts {
  /** In order. */
  ended: number;
  /** With what was on its way thrown away. */
  reset: number;
}

const HOST = "127.0.0.1";
/** Until a feed asks for another pause. */
const RETRY_MS = 1_000;
const PATIENCE_MS = 60_000;
const READ_BYTES = 64 * 1024;
/** All who read at full speed share it: what is in it is taken before the next one reads. */
const SHARED = Buffer.allocUnsafe(READ_BYTES);
const RESYNC = "orchestra.stream.resync";
const HEAD_END = "\r\n\r\n";
const NUMBER = /"message":"(\d+) /;
const TIMESTAMP = /"timestamp":(\d+)/;

/** One who follows the feed over a bare socket, and looks whether all of it comes, once and in its order. */
export class FeedClient {
  readonly order: FeedOrder;
  readonly cuts: Cuts = { ended: 0, reset: 0 };
  /** Each pause it was asked for, in milliseconds. */
  readonly retries: number[] = [];
  /** From each cut to the first frame after it. */
  readonly returnsMs: number[] = [];
  /** How old events were when they came; only of one that is timed. */
  readonly agesMs: number[] = [];
  /** Heads that were no event stream. */
  readonly oddHeads: string[] = [];
  readonly #options: FeedClientOptions;
  #socket: Socket | undefined;
  #lastEventId: string | undefined;
  #frameId: string | undefined;
  #retryMs = RETRY_MS;
  #cutAt: number | undefined;
  #isSlow: boolean;
  #hasHead = false;
  #hasLeft = false;
  #timer: NodeJS.Timeout | undefined;
  #onChange: () => unknown = () => {};

  constructor(options: FeedClientOptions) {
    const { lastEventId, bytesPerSecond } = options;
    this.#options = options;
    this.#lastEventId = lastEventId;
    this.#isSlow = bytesPerSecond !== undefined;
    this.order = new FeedOrder(lastEventId === undefined ? undefined : placeOf(lastEventId));
    this.#connect();
  }

  /** Whether it is shown the feed, as far as it knows: who does not read cannot know of an answer. */
  get isConnected(): boolean {
    if (this.#options.bytesPerSecond === 0 && this.#isSlow) return this.#socket?.connecting === false;
    return this.#hasHead;
  }

  /** The number of the last event, or of its place in the log. */
  get position(): number {
    return this.order.place?.sequence ?? -1;
  }

  /** Whether `condition` comes to hold within a minute; looked at whenever something changes. */
  async until(condition: (client: FeedClient) => boolean): Promise<boolean> {
    if (condition(this)) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    this.#onChange = () => condition(this) && resolve(true);
    const holds = await promise;
    this.#onChange = () => {};
    clearTimeout(timer);
    return holds;
  }

  /** Reads at full speed from now on. */
  wake(): void {
    this.#isSlow = false;
    clearInterval(this.#timer);
    this.#socket?.resume();
  }

  /** @param how `reset` throws away what is on its way */
  leave(how: "end" | "reset" = "end"): void {
    this.#hasLeft = true;
    clearTimeout(this.#timer);
    if (how === "end") this.#socket?.destroy();
    else this.#socket?.resetAndDestroy();
  }

  #connect(): void {
    const { port, bytesPerSecond } = this.#options;
    const take = this.#receiver();
    const buffer = this.#isSlow && bytesPerSecond ? Buffer.allocUnsafe(bytesPerSecond) : SHARED;
    const callback = (length: number) => {
      take(buffer, length);
      return !this.#isSlow;
    };
    const socket = connect({ port, host: HOST, onread: { buffer, callback } });
    this.#socket = socket;
    if (this.#isSlow) this.#readSlowly(socket);
    socket.on("connect", () => {
      socket.write(this.#request());
      this.#onChange();
    });
    socket.on("end", () => void this.cuts.ended++);
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code !== "ECONNREFUSED") this.cuts.reset++;
    });
    socket.on("close", () => this.#cutOff());
  }

  #readSlowly(socket: Socket): void {
    socket.pause();
    if (this.#options.bytesPerSecond === 0) return;
    this.#timer = setInterval(() => socket.resume(), 1_000);
    socket.on("close", () => clearInterval(this.#timer));
  }

  #request(): string {
    const { port, query = "" } = this.#options;
    const lines = [`GET /v1/events?${query} HTTP/1.1`, `Host: ${HOST}:${port}`];
    if (this.#lastEventId !== undefined) lines.push(`Last-Event-ID: ${this.#lastEventId}`);
    return `${lines.join("\r\n")}${HEAD_END}`;
  }

  /** Takes the bytes of one connection. */
  #receiver(): (buffer: Buffer, length: number) => void {
    const parser = this.#parser();
    const decoder = new StringDecoder("utf8");
    let head: string | undefined = "";
    return (buffer, length) => {
      const text = decoder.write(buffer.subarray(0, length));
      if (head === undefined) {
        parser.feed(text);
        return;
      }
      head += text;
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      if (!/^HTTP\/1.1 200 /.test(head) || /^transfer-encoding:/im.test(head)) this.oddHeads.push(head);
      const rest = head.slice(end + HEAD_END.length);
      head = undefined;
      this.#hasHead = true;
      this.#onChange();
      parser.feed(rest);
    };
  }

  get #seesAll(): boolean {
    const { query, seesAll = query === undefined } = this.#options;
    return seesAll;
  }

  #parser(): EventSourceParser {
    this.#frameId = undefined;
    return createParser({
      // Told of each frame that has one, before its event.
      onId: (id) => this.#takeId(id),
      onEvent: ({ id, event, data }) => {
        if (event === RESYNC) this.order.resync();
        // What has no id is about the stream itself.
        else if (id !== undefined) this.#takeEvent(id, data);
        this.#onChange();
      },
      onRetry: (retry) => {
        this.#retryMs = retry;
        this.retries.push(retry);
      },
    });
  }

  #takeId(id: string): void {
    this.#settleFrame();
    this.#frameId = id;
    this.#lastEventId = id;
    if (this.#cutAt === undefined) return;
    this.returnsMs.push(performance.now() - this.#cutAt);
    this.#cutAt = undefined;
  }

  #takeEvent(id: string, data: string): void {
    this.#frameId = undefined;
    const number = () => Number(NUMBER.exec(data)?.[1]);
    this.order.event(this.#seesAll ? placeOf(id) : { epoch: "", sequence: number() });
    if (this.#options.isTimed) this.agesMs.push(Date.now() - Number(TIMESTAMP.exec(data)?.[1]));
  }

  /** A frame is known to be without an event when the next one comes. */
  #settleFrame(): void {
    if (this.#frameId !== undefined && this.#seesAll) {
      this.order.heartbeat(placeOf(this.#frameId));
    }
  }

  #cutOff(): void {
    this.#settleFrame();
    this.#socket = undefined;
    this.#hasHead = false;
    this.#onChange();
    if (this.#hasLeft || this.#options.returns === false) return;
    this.#cutAt ??= performance.now();
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs);
  }
}
