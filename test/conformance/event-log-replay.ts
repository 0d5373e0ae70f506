import fc from "fast-check";
import { expect, it } from "vitest";
import type { OrchestratorEventType } from "../../src/event/event.ts";
import { compileFilter, type EventFilter } from "../../src/event/event-filter.ts";
import { encodeEvent } from "../../src/event/event-json.ts";
import type { Cursor, EventLog } from "../../src/event/event-log.ts";
import { exampleEvent } from "../fixtures/event-examples.ts";
import type { CreateEventLog } from "./event-log.ts";

const TYPES: OrchestratorEventType[] = [
  "orchestra.job.created",
  "orchestra.job.completed",
  "orchestra.error",
  "orchestra.worker.status",
];
const FILTERS: (EventFilter | undefined)[] = [
  undefined,
  { types: ["orchestra.job.*"] },
  { types: ["orchestra.error"] },
  { workerIds: ["coder"], sessionIds: ["ses_42"] },
];

type Step = { append: OrchestratorEventType[] } | { read: number; limit: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ append: fc.array(fc.constantFrom(...TYPES), { maxLength: 6 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        read: fc.nat({ max: FILTERS.length - 1 }),
        limit: fc.integer({ min: 1, max: 5 }),
      }),
    },
  ),
  { maxLength: 25 },
);

/** The whole history, and what of it each reader has behind it. */
class Model {
  readonly #log: EventLog;
  readonly #history: { cursor: Cursor; type: OrchestratorEventType }[] = [];
  readonly #start: Cursor;
  readonly #readers: { after: Cursor; position: number }[];

  constructor(log: EventLog, start: Cursor) {
    this.#log = log;
    this.#start = start;
    this.#readers = FILTERS.map(() => ({ after: start, position: 0 }));
  }

  async append(types: readonly OrchestratorEventType[]): Promise<void> {
    const batch = types.map((type, index) => exampleEvent(type, `${this.#history.length + index}`));
    const cursors = await this.#log.append(batch.map(encodeEvent));
    types.forEach((type, index) => {
      this.#history.push({ cursor: cursors[index] as Cursor, type });
    });
  }

  /** Reads one page, which must hold all that survives between where the reader was and where it now is. */
  async read(reader: number, limit: number): Promise<number> {
    const place = this.#readers[reader] as { after: Cursor; position: number };
    const filter = FILTERS[reader];
    const { oldest } = await this.#log.bounds();
    const surviving = oldest === undefined ? this.#history.length : this.#indexOf(oldest);
    const page = await this.#log.read({ after: place.after, limit, filter });
    expect(page.gap).toBe(surviving > place.position ? "evicted" : undefined);
    const from = Math.max(surviving, place.position);
    const to = page.next === this.#start ? 0 : this.#indexOf(page.next) + 1;
    const matches = compileFilter(filter);
    const expected = this.#history.slice(from, to).filter(({ type }) => matches(exampleEvent(type)));
    expect(page.records.map((record) => record.cursor)).toEqual(expected.map((entry) => entry.cursor));
    expect(page.records.length).toBeLessThanOrEqual(limit);
    // Less than it asked for: then there was no more.
    if (page.records.length < limit) expect(to).toBe(this.#history.length);
    this.#readers[reader] = { after: page.next, position: to };
    return page.records.length;
  }

  #indexOf(cursor: Cursor): number {
    const index = this.#history.findIndex((entry) => entry.cursor === cursor);
    expect(index).toBeGreaterThanOrEqual(0);
    return index;
  }
}

/**
 * Readers that page with any limit and filter, while others append and old records go, miss nothing
 * that survives, see nothing twice, and are told of a gap exactly when something was lost in between.
 */
export function describeReplay(create: CreateEventLog, capacities: fc.Arbitrary<number>): void {
  it("replays to any reader each surviving record once, in order, and reports exactly the losses", async () => {
    await fc.assert(
      fc.asyncProperty(capacities, steps, async (capacity, sequence) => {
        const log = await create({ capacity });
        const model = new Model(log, (await log.bounds()).latest);
        for (const step of sequence) {
          if ("append" in step) await model.append(step.append);
          else await model.read(step.read, step.limit);
        }
        for (const reader of FILTERS.keys()) {
          while ((await model.read(reader, 3)) === 3);
        }
        await log.close();
      }),
      { numRuns: 60 },
    );
  });
}
