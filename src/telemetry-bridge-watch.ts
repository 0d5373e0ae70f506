import { type Holder, type HolderOptions, holderOf } from "./telemetry-bridge-holder.ts";

/** A holder who has shown who it is, is asked again at every so many looks. */
const LOOKS_PER_QUESTION = 3;

/** Who holds a port over time. Holders change without the port ever being free at a look. */
export class HolderWatch {
  #holder: Holder;
  #answer: Holder;
  #looks = 0;

  constructor(first: Holder) {
    this.#holder = first;
    this.#answer = first;
  }

  get holder(): Holder {
    return this.#holder;
  }

  /** For a look that finds the port held. @throws the signal's reason */
  async look(options: HolderOptions): Promise<Holder> {
    this.#looks += 1;
    if (!this.#isInDoubt() && this.#looks < LOOKS_PER_QUESTION) return this.#holder;
    this.#looks = 0;
    const [before, answer] = [this.#answer, await holderOf(options)];
    this.#answer = answer;
    // One of ours that ends breaks off its answers, which by itself is what a stranger would do.
    if (answer.is !== "stranger" || before.is === "stranger") this.#holder = answer;
    return this.#holder;
  }

  /** Has it asked at the next look: somebody came first just now. */
  doubt(): void {
    this.#looks = LOOKS_PER_QUESTION;
  }

  #isInDoubt(): boolean {
    return this.#holder.is === "unknown" || this.#answer.is !== this.#holder.is;
  }
}
