import type { UnplacedEvent } from "../event/event-log.ts";
import { Overflow } from "./sqlite-overflow.ts";

/**
 * Sequences given away while the file cannot be written leap ahead of it by this much and up to twice
 * as much: far enough, and each process elsewhere, that no process numbers another's event alike.
 */
const LEAP = 2 ** 32;
/** Ticks between two attempts to write again: the first, and the most as they grow by doubling. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 320;

/** The time in which the file cannot be written. */
export class Fallback {
  readonly waiting: Overflow;
  readonly #random: () => number;
  #fileEnd: number;
  #pause = FIRST_PAUSE;
  #ticks = 0;

  constructor(options: { fileEnd: number; maxWaiting: number; random: () => number }) {
    this.#random = options.random;
    this.#fileEnd = options.fileEnd;
    this.waiting = new Overflow(this.#leapFrom(options.fileEnd), options.maxWaiting);
  }

  /** Where the file ended when we last could write it. */
  get fileEnd(): number {
    return this.#fileEnd;
  }

  /** The last place to keep others from, so that they cannot get one that is given away while more waits. */
  get reserve(): number {
    return this.waiting.latest + LEAP;
  }

  /**
   * Some of what waited was written up to `end`. When others had written before it, the places that we gave away
   * are void, and the rest gets places behind those and all that is in the file.
   */
  written(end: number, { isKept }: { isKept: boolean }): void {
    this.#fileEnd = end;
    if (!isKept) this.waiting.moveBehind(this.#leapFrom(Math.max(end, this.waiting.latest)));
  }

  /** Undefined for each event that is held already. */
  add(batch: readonly UnplacedEvent[], isHeld: (id: string) => boolean): (number | undefined)[] {
    return batch.map((unplaced) => {
      const { id } = unplaced.event;
      return this.waiting.holds(id) || isHeld(id) ? undefined : this.waiting.add(unplaced);
    });
  }

  /** Counts a tick; true when it is time to try again. */
  isDue(): boolean {
    return ++this.#ticks >= this.#pause;
  }

  /** Writing failed again. A file that is only locked is asked as often as before: that costs nothing. */
  pause({ isLocked }: { isLocked: boolean }): void {
    this.#ticks = 0;
    if (!isLocked) this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #leapFrom(sequence: number): number {
    return sequence + LEAP + Math.floor(this.#random() * LEAP);
  }
}
