import { type ReadonlySignal, signal } from "@preact/signals";

export interface ClockOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Calls back each second until what it returns is called. */
  everySecond: (callback: () => void) => () => void;
}

/** The time to the second. There is one timer, and only while somebody shows it. */
export function createClock({ now, everySecond }: ClockOptions): ReadonlySignal<number> {
  let stop = () => {};
  const time = signal(now(), {
    watched() {
      time.value = now();
      stop = everySecond(() => {
        time.value = now();
      });
    },
    unwatched: () => stop(),
  });
  return time;
}
