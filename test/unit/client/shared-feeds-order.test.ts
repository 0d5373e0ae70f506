import fc from "fast-check";
import { expect, it } from "vitest";
import { createWorker, event, place, type TestPage } from "./worker-rig.ts";

/** Pages over a log that grows, each reading of which the test moves on. */
class Stage {
  readonly #worker = createWorker();
  readonly #pages: { page: TestPage; from: number }[] = [];
  /** How far each reading was told of the log. */
  readonly #told: number[] = [];
  #last = 0;

  append(): void {
    this.#last++;
  }

  async open(): Promise<void> {
    const from = this.#last;
    this.#pages.push({ page: await this.#worker.openPage({ from: `e-${from}` }), from });
    await this.#notice();
  }

  async leave(index: number): Promise<void> {
    this.#pages[index]?.page.send({ kind: "close" });
  }

  async read(index: number, count: number): Promise<void> {
    const from = this.#told[index];
    if (from === undefined) return;
    const to = Math.min(this.#last, from + count);
    for (let n = from + 1; n <= to; n++) await this.#worker.tell(index, event(n));
    this.#told[index] = to;
    if (to === this.#last) await this.#worker.tell(index, place(to));
    await this.#notice();
  }

  async finish(): Promise<void> {
    for (const index of this.#told.keys()) await this.read(index, this.#last);
  }

  /** What each page was told, and should have been: a page that left, as many of the first. */
  outcomes(): { told: string[]; expected: string[] }[] {
    return this.#pages.map(({ page, from }) => {
      const told = page.told.filter((text) => text.startsWith("e-"));
      const length = page.isClosed ? told.length : this.#last - from;
      return { told, expected: Array.from({ length }, (_, n) => `e-${from + n + 1}`) };
    });
  }

  /** Where each new reading is to begin. */
  async #notice(): Promise<void> {
    for (const { options } of this.#worker.readings.slice(this.#told.length)) {
      this.#told.push(Number(options.from?.slice(2)));
    }
  }
}

const index = fc.nat(9);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant((stage: Stage) => stage.append()) },
  { weight: 1, arbitrary: fc.constant((stage: Stage) => stage.open()) },
  { weight: 1, arbitrary: index.map((page) => (stage: Stage) => stage.leave(page)) },
  {
    weight: 3,
    arbitrary: fc.tuple(index, fc.integer({ min: 1, max: 5 })).map(
      ([reading, count]) =>
        (stage: Stage) =>
          stage.read(reading, count),
    ),
  },
);

it("tells each page each event once, in order, from where it began, whatever the order of things", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const stage = new Stage();
      for (const take of steps) await take(stage);
      await stage.finish();
      for (const { told, expected } of stage.outcomes()) expect(told).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
