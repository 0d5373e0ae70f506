import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { type FactGroup, statusFacts } from "./status-facts.ts";

export interface KnownStatus {
  groups: readonly FactGroup[];
  /** When the bridge has said so, in milliseconds since the epoch. */
  at: number;
}

export interface StatusReaderOptions {
  read: () => Promise<unknown>;
  /** Calls back when it is time to ask again. Returns what ends that. */
  later: (callback: () => void) => () => void;
  /** Whether nobody looks. */
  isHidden: () => boolean;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Asks for the bridge's counters again and again: not before it has an answer, so the latest is the newest. */
export class StatusReader {
  readonly #options: StatusReaderOptions;
  readonly #known = signal<KnownStatus | undefined>(undefined);
  readonly #fault = signal<unknown>(undefined);
  /** Of the latest start: what an earlier one gets is of no account. */
  #turn = 0;
  #forget = () => {};

  constructor(options: StatusReaderOptions) {
    this.#options = options;
  }

  /** What was last told, however long ago. */
  get known(): ReadonlySignal<KnownStatus | undefined> {
    return this.#known;
  }

  /** Why the latest question has no answer; undefined when it has. */
  get fault(): ReadonlySignal<unknown> {
    return this.#fault;
  }

  start(): void {
    this.stop();
    void this.#ask(this.#turn);
  }

  stop(): void {
    this.#turn++;
    this.#forget();
  }

  async #ask(turn: number): Promise<void> {
    const { later, isHidden } = this.#options;
    if (!isHidden()) await this.#learn(turn);
    if (turn === this.#turn) this.#forget = later(() => void this.#ask(turn));
  }

  /** Never rejects. */
  async #learn(turn: number): Promise<void> {
    const { read, now } = this.#options;
    try {
      const status = await read();
      if (turn !== this.#turn) return;
      batch(() => {
        this.#known.value = { groups: statusFacts(status, now()), at: now() };
        this.#fault.value = undefined;
      });
    } catch (error) {
      if (turn === this.#turn) this.#fault.value = error;
    }
  }
}
