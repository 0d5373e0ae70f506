import { nextTurn } from "../src/event/next-turn.ts";
import type { SsePages } from "./sse-pages.ts";
import type { SseReplay } from "./sse-replay.ts";

/** Pages read at once: in each turn of the event loop no more are sent, whoever else waits. */
const READS_AT_ONCE = 4;

/**
 * All replays under way, page by page in turn: none waits for another to come to its end, and live
 * clients, timers and new connections have their time between any two pages.
 */
export class SseReplays {
  readonly #pages: SsePages;
  /** First come, first served; who has had its page comes last. */
  readonly #ready: SseReplay[] = [];
  readonly #maxReadMs: number;
  #readers = 0;

  /**
   * @param pages what they share; let go of as soon as none of them can go on
   * @param maxReadMs milliseconds that the log may take for a page
   */
  constructor(pages: SsePages, maxReadMs: number) {
    this.#pages = pages;
    this.#maxReadMs = maxReadMs;
  }

  add(replay: SseReplay): void {
    this.#ready.push(replay);
    if (this.#readers < READS_AT_ONCE) void this.#read();
  }

  async #read(): Promise<void> {
    this.#readers++;
    for (let replay = this.#ready.shift(); replay !== undefined; replay = this.#ready.shift()) {
      await this.#advance(replay);
      await nextTurn();
    }
    this.#readers--;
    if (this.#readers === 0) this.#pages.clear();
  }

  async #advance(replay: SseReplay): Promise<void> {
    const { client } = replay;
    if (!client.isOpen) return;
    try {
      if (await this.#inTime(replay.advance())) return;
    } catch {
      client.drop("log_failed");
      return;
    }
    client.whenFlowing(() => this.add(replay));
  }

  /** A read that never ends must not keep its place among those at once. */
  async #inTime(step: Promise<boolean>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(reject, this.#maxReadMs).unref();
    });
    try {
      return await Promise.race([step, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
