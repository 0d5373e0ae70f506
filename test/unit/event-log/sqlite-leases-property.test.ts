import fc from "fast-check";
import { expect, it } from "vitest";
import type { Store } from "../../../src/store/store.ts";
import { openLeasedLog } from "../../fixtures/leased-log.ts";
import { openTestStore } from "../../fixtures/sqlite-logs.ts";

type Process = Awaited<ReturnType<typeof openLeasedLog>>;

/** Processes that share a file and a source, and what should be whose. */
class Model {
  readonly #store: Store;
  readonly #running: Process[] = [];
  /** The lease that each job should belong to. */
  readonly #owners = new Map<string, string>();

  constructor(store: Store) {
    this.#store = store;
  }

  async start(): Promise<void> {
    this.#running.push(await openLeasedLog({ source: "same", store: this.#store }));
  }

  begin(which: number): void {
    const one = this.#at(which);
    const jobId = `job ${this.#owners.size}`;
    one?.begin(jobId);
    if (one !== undefined) this.#owners.set(jobId, one.leases.id);
  }

  kill(which: number): void {
    const { id } = this.#remove(which)?.leases ?? {};
    this.#store.exec(`UPDATE instances SET start_token = 'an earlier start' WHERE id = '${id}'`);
  }

  leave(which: number): void {
    this.#remove(which)?.leases.release();
  }

  adopt(which: number, jobId: string): void {
    this.#at(which)?.leases.adopt(jobId);
  }

  look(which: number): void {
    const one = this.#at(which);
    for (const { jobId, owner } of one?.leases.claimOrphans() ?? []) {
      expect(owner).toBe(this.#owners.get(jobId));
      expect(this.#running.map(({ leases }) => leases.id)).not.toContain(owner);
      this.#owners.set(jobId, one?.leases.id as string);
    }
  }

  /** A process that starts last takes all that is nobody's. */
  async end(): Promise<void> {
    await this.start();
    this.look(this.#running.length - 1);
    const running = new Set(this.#running.map(({ leases }) => leases.id));
    expect([...this.#owners].filter(([, owner]) => !running.has(owner))).toEqual([]);
  }

  #at(which: number): Process | undefined {
    return this.#running[which % this.#running.length];
  }

  #remove(which: number): Process | undefined {
    return this.#running.splice(which % this.#running.length, 1)[0];
  }
}

const which = fc.nat(5);
const step = fc.oneof(
  fc.constant((model: Model) => model.start()),
  which.map((one) => (model: Model) => model.begin(one)),
  which.map((one) => (model: Model) => model.kill(one)),
  which.map((one) => (model: Model) => model.leave(one)),
  fc.tuple(which, which).map(
    ([one, job]) =>
      (model: Model) =>
        model.adopt(one, `job ${job}`),
  ),
  { weight: 4, arbitrary: which.map((one) => (model: Model) => model.look(one)) },
);

it("each open job is its living process's, or is claimed by one, whoever comes, goes, dies and looks", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const model = new Model(await openTestStore());
    await model.start();
    for (const take of steps) await take(model);
    await model.end();
  });
  await fc.assert(property, { numRuns: 100 });
});
