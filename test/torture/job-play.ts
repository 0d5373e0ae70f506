import type { WorkerJobRegistry } from "../../src/index.ts";
import type { SeededRandom } from "./seeded-random.ts";

const WORKERS = ["builder", "reviewer", "workflow:release", "op:deploy"];
const MOST_OPEN = 20;

/** Jobs that begin, move and end at random. */
export class JobPlay {
  readonly #registry: WorkerJobRegistry;
  readonly #prefix: string;
  readonly #random: SeededRandom;
  #open: string[] = [];
  #count = 0;

  constructor(registry: WorkerJobRegistry, { prefix, random }: { prefix: string; random: SeededRandom }) {
    this.#registry = registry;
    this.#prefix = prefix;
    this.#random = random;
  }

  /** Does one thing, which is one event nearly always. */
  act(): void {
    const { length } = this.#open;
    if (length === 0 || (length < MOST_OPEN && this.#random.chance(0.25))) this.#create();
    else if (this.#random.chance(0.7)) this.#progress(this.#random.pick(this.#open));
    else this.#end(this.#random.pick(this.#open));
  }

  /** Ends what is open. */
  finish(): void {
    for (const id of this.#open) this.#end(id);
  }

  #create(): void {
    const id = `${this.#prefix}-${++this.#count}`;
    const parentJobId = this.#random.chance(0.2) ? this.#open[0] : undefined;
    const queued = this.#random.chance(0.2);
    const sessionId = `session-${this.#random.between(1, 5)}`;
    const workerId = this.#random.pick(WORKERS);
    this.#registry.create({ id, workerId, sessionId, parentJobId, queued, message: `task of ${id}` });
    this.#open.push(id);
  }

  #progress(id: string): void {
    const job = this.#registry.get(id);
    if (job?.status === "queued") this.#registry.start(id);
    else this.#registry.updateProgress(id, { message: "on its way", percent: this.#random.between(0, 100) });
  }

  #end(id: string): void {
    this.#open = this.#open.filter((open) => open !== id);
    if (this.#registry.get(id)?.status === "queued") this.#registry.start(id);
    const how = this.#random.next();
    if (how < 0.7) this.#registry.setResult(id, { responseText: `result of ${id}` });
    else if (how < 0.9) this.#registry.setError(id, { error: new TypeError(`failure of ${id}`) });
    else this.#registry.cancel(id, { reason: "not needed any more" });
    if (this.#random.chance(0.1)) this.#registry.attachReport(id, { summary: `report of ${id}` });
  }
}
