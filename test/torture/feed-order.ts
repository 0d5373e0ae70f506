/** A place in a history; two of different histories cannot be compared. */
export interface Place {
  epoch: string;
  sequence: number;
}

/** The place that a cursor of the bridge names. */
export function placeOf(cursor: string): Place {
  const end = cursor.lastIndexOf("-");
  return { epoch: cursor.slice(0, end), sequence: Number(cursor.slice(end + 1)) };
}

/** Whether a feed shows each event of a history once and in its order, however often it is cut off. */
export class FeedOrder {
  events = 0;
  /** Events that were left out. */
  holes = 0;
  /** Events that had been shown before, or come after a later one. */
  doubles = 0;
  /** Times it was told that it cannot go on where it was. */
  resyncs = 0;
  #place: Place | undefined;

  /** @param start where it is asked to begin; unknown when it begins with what comes */
  constructor(start?: Place) {
    this.#place = start;
  }

  /** Up to where it has everything; undefined before the first frame. */
  get place(): Place | undefined {
    return this.#place;
  }

  event(place: Place): void {
    const steps = this.#stepsTo(place);
    this.events++;
    if (steps < 1) this.doubles++;
    else this.holes += steps - 1;
    if (steps > 0) this.#place = place;
  }

  /** A frame without an event: nothing may be missing up to there. */
  heartbeat(place: Place): void {
    const steps = this.#place === undefined ? 0 : this.#stepsTo(place);
    // Who comes back with a cursor from before what it has seen is shown that again.
    if (steps < 0) this.doubles -= steps;
    else this.holes += steps;
    this.#place = place;
  }

  resync(): void {
    this.resyncs++;
    this.#place = undefined;
  }

  /** A history that is exchanged without a word counts as a hole. */
  #stepsTo({ epoch, sequence }: Place): number {
    if (this.#place === undefined) return 1;
    return epoch === this.#place.epoch ? sequence - this.#place.sequence : 2;
  }
}
