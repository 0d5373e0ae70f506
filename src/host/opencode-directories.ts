/** Who serves a directory. */
interface Holder {
  /** The same object in all that one copy of this package does. */
  owner: object;
  /** Where that copy lies. */
  place: string;
  leave: () => void;
}

/** Of all copies of this package in the process, which may be of other versions. */
const HOLDERS = Symbol.for("orchestra-otel.opencode-directories");

/**
 * The directories that one copy of this package serves. OpenCode calls each copy that its configuration names;
 * the first one has the directory, as all of them would tell of the same jobs.
 */
export class Directories {
  readonly #owner: object;
  readonly #place: string;

  constructor(owner: object, place: string) {
    this.#owner = owner;
    this.#place = place;
  }

  /** Where the other copy lies that serves a directory; undefined when none does. */
  heldFrom(directory: string | undefined): string | undefined {
    const holder = this.#holderOf(directory);
    return holder?.owner === this.#owner ? undefined : holder?.place;
  }

  /**
   * Keeps other copies from serving it; what has served it for this copy leaves.
   * @returns what lets it go
   */
  hold(directory: string | undefined, leave: () => void): () => void {
    if (directory === undefined) return () => {};
    const former = this.#holderOf(directory);
    const holder = { owner: this.#owner, place: this.#place, leave };
    holders().set(directory, holder);
    former?.leave();
    return () => {
      if (this.#holderOf(directory) === holder) holders().delete(directory);
    };
  }

  #holderOf(directory: string | undefined): Holder | undefined {
    return directory === undefined ? undefined : holders().get(directory);
  }
}

function holders(): Map<string, Holder> {
  const shared = globalThis as { [HOLDERS]?: Map<string, Holder> };
  shared[HOLDERS] ??= new Map();
  return shared[HOLDERS];
}
