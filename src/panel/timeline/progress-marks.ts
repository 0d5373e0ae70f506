import { FifoMap } from "../../fifo-map.ts";

/** Jobs whose marks are kept, and marks of one job. */
const MAX_JOBS = 2_000;
const MAX_MARKS = 24;

interface Marks {
  times: readonly number[];
  /** Of so many one is kept. */
  stride: number;
  skipped: number;
}

/** When jobs told of their progress, as far as this page has seen it. */
export class ProgressMarks {
  readonly #marks = new FifoMap<string, Marks>();

  add(jobId: string, time: number): void {
    const { times, stride, skipped } = this.#marks.get(jobId) ?? { times: [], stride: 1, skipped: 0 };
    const isKept = skipped + 1 === stride;
    this.#marks.renew(
      jobId,
      isKept
        ? thinned({ times: [...times, time], stride, skipped: 0 })
        : { times, stride, skipped: skipped + 1 },
    );
    if (this.#marks.size > MAX_JOBS) this.#marks.deleteOldest();
  }

  of(jobId: string): readonly number[] {
    return this.#marks.get(jobId)?.times ?? [];
  }
}

/** Every other one goes, now and from now on, so that those that are kept are spread over all of the job. */
function thinned({ times, stride, skipped }: Marks): Marks {
  if (times.length <= MAX_MARKS) return { times, stride, skipped };
  return { times: times.filter((_, index) => index % 2 === 0), stride: 2 * stride, skipped };
}

/** At most `max` of them, spread over all; the last is always there. */
export function spread<T>(all: readonly T[], max: number): readonly T[] {
  const stride = Math.ceil(all.length / max);
  return stride <= 1 ? all : all.filter((_, index) => (all.length - 1 - index) % stride === 0);
}
